"""The API reference, open to all as the OpenAPI document is."""

from aiohttp import web

from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.reference import endpoints
from agenciaos_jobs.dashboard.rendering import language_of, render
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import public_url
from agenciaos_jobs.http.keys import API_DOCUMENT
from agenciaos_jobs.http.problems import RequestError

_UNKNOWN = Text("A referência não tem esta página", "The reference has no such page")


async def show_contents(request: web.Request) -> web.StreamResponse:
    """How to begin, and every endpoint by its tag."""
    document = request.app[API_DOCUMENT]()
    return render(
        request,
        "reference.html",
        groups=endpoints.groups(document, language_of(request)),
        version=document["info"]["version"],
        address=str(public_url.address(request)).rstrip("/"),
    )


async def show_tag(request: web.Request) -> web.StreamResponse:
    """The endpoints with one tag, and the schemas that they link to."""
    document, language = request.app[API_DOCUMENT](), language_of(request)
    groups = endpoints.groups(document, language)
    shown = next((group for group in groups if group.tag.name == request.match_info["tag"]), None)
    if shown is None:
        raise RequestError(404, _UNKNOWN)
    models = endpoints.models(shown, document, language)
    return render(request, "reference_tag.html", groups=groups, shown=shown, models=models)


PAGES = [
    Page("GET", "/docs", show_contents, needs_login=False),
    Page("GET", "/docs/{tag}", show_tag, needs_login=False),
]
