"""The API reference, open to all as the OpenAPI document is."""

from aiohttp import web

from agenciaos_jobs.dashboard import api_reference
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.rendering import language_of, render
from agenciaos_jobs.http.keys import API_DOCUMENT


async def show_reference(request: web.Request) -> web.StreamResponse:
    document = request.app[API_DOCUMENT]()
    return render(
        request,
        "reference.html",
        groups=api_reference.groups(document, language_of(request)),
        models=api_reference.models(document),
        server=document["servers"][0]["url"].rstrip("/"),
        version=document["info"]["version"],
    )


PAGES = [Page("GET", "/docs", show_reference, needs_login=False)]
