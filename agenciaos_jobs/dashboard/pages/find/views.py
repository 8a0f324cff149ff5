"""Saved views: filters of the runs under a name, for all operators."""

from urllib.parse import urlencode

from aiohttp import web

from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.pages.runs import kept_filter
from agenciaos_jobs.dashboard.store import find
from agenciaos_jobs.dashboard.store.find import MAX_VIEWS, SavedView
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK, DATABASE
from agenciaos_jobs.http.problems import RequestError

MAX_NAME = 80
_MAX_VALUE = 500

_NAMELESS = Text(
    "Dê um nome à visão, e escolha ao menos um filtro", "Give the view a name, and choose at least one filter"
)
_TOO_MANY = Text(
    "Já há {limit} visões salvas; apague uma antes de salvar outra",
    "There are {limit} saved views; delete one before you save another",
)


async def save(request: web.Request) -> web.Response:
    fields = dict(await form(request))
    name = " ".join(fields.pop("name", "").split())[:MAX_NAME]
    filters = {field: value[:_MAX_VALUE] for field, value in kept_filter(fields).items()}
    if not name or not filters:
        raise RequestError(400, _NAMELESS)
    if not await find.save_view(request.app[DATABASE], SavedView(name, filters), request.app[CLOCK].now()):
        raise RequestError(409, _TOO_MANY.format(limit=MAX_VIEWS))
    return redirect(f"/runs?{urlencode(filters | {'done': 'saved'})}")


async def delete(request: web.Request) -> web.Response:
    await find.delete_view(request.app[DATABASE], (await form(request)).get("name", ""))
    return redirect("/runs?done=deleted")


PAGES = [Page("POST", "/views", save, detail=("name",)), Page("POST", "/views/delete", delete, detail=("name",))]
