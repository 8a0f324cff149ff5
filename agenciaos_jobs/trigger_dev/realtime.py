"""Subscriptions of Trigger.dev's SDKs: long polling over ElectricSQL's shape protocol."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, RootModel

from agenciaos_jobs.engine.batches import UnknownBatchError
from agenciaos_jobs.engine.control import UnknownRunError
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.store import batches
from agenciaos_jobs.engine.store.live import Reading
from agenciaos_jobs.engine.subscriptions import OneBatch, OneRun, Subject, Tagged
from agenciaos_jobs.foundation.duration import parse_duration
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK, DATABASE, LIVE, PUBLIC_TOKEN
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import wrong_field
from agenciaos_jobs.http.scopes import reads
from agenciaos_jobs.trigger_dev import electric
from agenciaos_jobs.trigger_dev.tokens import resources

POLL = timedelta(seconds=20)
"""The time that a request waits for changes."""

SHORT_POLL = timedelta(seconds=2)
"""The same for requests beyond the fourth of one public token. Over HTTP/1.1 a page has six connections to a server,
and those that wait keep its other requests from being sent."""
_MAX_LONG_POLLS = 4

OPEN_POLLS: web.AppKey[Counter[bytes]] = web.AppKey("open_polls")
"""The requests that wait, by their public token's digest."""

_AGE = "24h"


class Message(BaseModel):
    """A new or changed row, or a control message: ``up-to-date`` or ``must-refetch``."""

    model_config = ConfigDict(extra="allow")

    key: str | None = None
    value: dict[str, str | None] | None = None
    headers: Json


class Messages(RootModel[list[Message]]):
    """The last message states that there are no more for now."""


async def subscribe_to_run(request: web.Request) -> web.Response:
    return await _answer(request, OneRun(request.match_info["run_id"]))


async def subscribe_to_batch(request: web.Request) -> web.Response:
    batch_id = request.match_info["batch_id"]
    if await batches.get(request.app[DATABASE], batch_id) is None:
        raise UnknownBatchError(batch_id)
    return await _answer(request, OneBatch(batch_id))


async def subscribe_to_tags(request: web.Request) -> web.Response:
    tags = resources.requested_tags(request)
    if not tags:
        raise wrong_field("tags", "missing", "Field required")
    try:
        age = parse_duration(request.query.get("createdAt", _AGE))
    except ValueError as error:
        raise wrong_field("createdAt", "duration", str(error)) from None
    return await _answer(request, Tagged(tags, age))


async def _answer(request: web.Request, subject: Subject) -> web.Response:
    """The subscriber's changes: at once for the first request, later ones as soon as there are any."""
    live, offset = request.app[LIVE], request.query.get("offset", electric.BEGINNING)
    skipped, form = _skipped(request), _form(request)
    handle = request.query.get("handle", "")
    if offset == electric.BEGINNING:
        reading = await live.read(subject, None)
        if isinstance(subject, OneRun) and not reading.runs:
            raise UnknownRunError(subject.run_id)
        return _changes(request, reading, _new_handle(request, form), "insert", skipped)
    if not handle.startswith(form) or not electric.is_cursor(offset):
        return _refetch(_new_handle(request, form))
    if request.query.get("live") == "true":
        with _open_poll(request) as longest:
            reading = await live.wait_for_changes(subject, offset, longest)
    else:
        reading = await live.read(subject, offset)
    if reading.is_from_the_future:
        return _refetch(_new_handle(request, form))
    return _changes(request, reading, handle, "update", skipped)


def _changes(
    request: web.Request, reading: Reading, handle: str, operation: str, skipped: Collection[str]
) -> web.Response:
    shows_stack = PUBLIC_TOKEN not in request
    changes = [electric.change(run, operation, skipped, shows_stack=shows_stack) for run in reading.runs]
    headers = {
        "electric-handle": handle,
        "electric-offset": reading.cursor,
        "electric-schema": orjson.dumps(electric.schema(skipped)).decode(),
        "electric-cursor": str(round(request.app[CLOCK].now().timestamp() * 1000)),
        "electric-up-to-date": "",
        "Cache-Control": "no-store",
    }
    return web.Response(
        body=orjson.dumps([*changes, electric.UP_TO_DATE]), content_type="application/json", headers=headers
    )


def _refetch(handle: str) -> web.Response:
    """409: the subscriber's cursor belongs to another shape or database, and it must start over."""
    headers = {"electric-handle": handle, "Cache-Control": "no-store"}
    body = orjson.dumps([electric.MUST_REFETCH])
    return web.Response(status=409, body=body, content_type="application/json", headers=headers)


@contextmanager
def _open_poll(request: web.Request) -> Iterator[timedelta]:
    """The wait for changes: no later than the public token expires, and short for a page that waits for many things."""
    token, polls = request.get(PUBLIC_TOKEN), request.app[OPEN_POLLS]
    if token is None:
        yield POLL
        return
    polls[token.digest] += 1
    try:
        longest = POLL if polls[token.digest] <= _MAX_LONG_POLLS else SHORT_POLL
        yield max(timedelta(), min(longest, token.expires_at - request.app[CLOCK].now()))
    finally:
        polls[token.digest] -= 1
        if not polls[token.digest]:
            del polls[token.digest]


def _skipped(request: web.Request) -> frozenset[str]:
    """The columns that the subscriber skips, and those that its token must not return."""
    skipped = frozenset(request.query.get("skipColumns", "").split(","))
    return skipped | request[PUBLIC_TOKEN].skipped_columns if PUBLIC_TOKEN in request else skipped


def _form(request: web.Request) -> str:
    """A hash that identifies the requested shape."""
    parts = [request.path, *(request.query.get(name, "") for name in ("tags", "createdAt", "skipColumns"))]
    return sha256("\n".join(parts).encode()).hexdigest()[:20] + "-"


def _new_handle(request: web.Request, form: str) -> str:
    return f"{form}{round(request.app[CLOCK].now().timestamp() * 1000)}"


_ID: dict[str, Any] = {"type": "string", "minLength": 1}
_PROTOCOL: dict[str, dict[str, Any]] = {
    "offset": {"type": "string", "description": "-1 at first, then the last answer's electric-offset"},
    "handle": {"type": "string", "description": "the last answer's electric-handle"},
    "live": {"type": "string", "enum": ["true", "false"], "description": "true waits up to 20 s for news"},
    "skipColumns": {"type": "string", "description": "columns to leave out, with commas between them"},
}
_TAGS: dict[str, dict[str, Any]] = {
    "tags": {"type": "string", "description": "with commas between them; runs must have all of them"},
    "createdAt": {"type": "string", "description": "no older than this, such as 1h", "default": _AGE},
}

OPERATIONS = [
    Operation(
        "GET",
        "/realtime/v1/runs/{run_id}",
        subscribe_to_run,
        Text("Acompanha uma execução", "Follows a run"),
        answers={200: Messages, 409: Messages},
        parameters={"run_id": _ID},
        query=_PROTOCOL,
        problems=(404, 503),
        token_access=reads(resources.of_run),
    ),
    Operation(
        "GET",
        "/realtime/v1/batches/{batch_id}",
        subscribe_to_batch,
        Text("Acompanha as execuções de um lote", "Follows the runs of a batch"),
        answers={200: Messages, 409: Messages},
        parameters={"batch_id": _ID},
        query=_PROTOCOL,
        problems=(404, 503),
        token_access=reads(resources.of_batch),
    ),
    Operation(
        "GET",
        "/realtime/v1/runs",
        subscribe_to_tags,
        Text("Acompanha as execuções com todas estas tags", "Follows the runs with all of these tags"),
        answers={200: Messages, 409: Messages},
        query=_PROTOCOL | _TAGS,
        problems=(422, 503),
        token_access=reads(resources.of_tags),
    ),
]
