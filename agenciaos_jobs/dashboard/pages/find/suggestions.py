"""Suggestions while a filter is typed. The page itself brings the first ones."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.rendering import HEADERS
from agenciaos_jobs.dashboard.store import find
from agenciaos_jobs.engine.store.queues import TASK
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import LONG_READS
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.registry import JOBS

LIMIT = 30
_MAX_TEXT = 200
_UNKNOWN = Text("Este campo não tem sugestões", "This field has no suggestions")


async def agencies(database: Database, text: str) -> list[str]:
    return list(dict.fromkeys(match.name for match in await find.agencies(database, text, LIMIT)))


async def tags(database: Database, text: str) -> list[str]:
    return await find.tags(database, text, LIMIT)


async def queues(database: Database, text: str) -> list[str]:
    """The queues of the tasks, and those that callers have named."""
    of_tasks = [TASK + task for task in JOBS if text.lower() in TASK + task]
    return [*await find.queues(database, text, LIMIT), *of_tasks][:LIMIT]


FIELDS: Mapping[str, Callable[[Database, str], Awaitable[list[str]]]] = {
    "agency": agencies,
    "tag": tags,
    "queue": queues,
}
"""The fields that suggest values, in the order of the form."""


async def suggest(request: web.Request) -> web.Response:
    """``/suggestions/{field}?text=…``: a JSON array of values."""
    if (field := request.match_info["field"]) not in FIELDS:
        raise RequestError(404, _UNKNOWN)
    text = request.query.get("text", "").strip()[:_MAX_TEXT]
    return web.json_response(await FIELDS[field](request.app[LONG_READS], text), headers=HEADERS)


async def first(database: Database) -> Mapping[str, list[str]]:
    """The suggestions of each field before anything is typed."""
    return {field: await found(database, "") for field, found in FIELDS.items()}


PAGES = [Page("GET", "/suggestions/{field}", suggest)]
