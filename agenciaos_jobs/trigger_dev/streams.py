"""Streams of runs, as Trigger.dev's SDKs read them: ``streams.read``, ``runs.fetchStream`` and the React hooks.

They are server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), each a chunk as JSON. An
event's id, ``<milliseconds>-<number>``, is what ``Last-Event-ID`` continues after. The response ends when the run has
ended and every chunk was sent, or after ``Timeout-Seconds`` without a chunk. To the SDKs the end of a response is the
end of the stream, so a server that stops breaks the connection off instead, and they continue at another one.
"""

import asyncio
import re
from contextlib import suppress

from aiohttp import web

from agenciaos_jobs.engine.control import UnknownRunError
from agenciaos_jobs.engine.store import streams
from agenciaos_jobs.engine.store.streams import Chunk
from agenciaos_jobs.engine.subscriptions import OneRun
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import cors, rate_limits
from agenciaos_jobs.http.keys import CLOCK, DATABASE, DRAINING, LIVE, PUBLIC_TOKEN, REQUEST_ID
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import wrong_field
from agenciaos_jobs.http.scopes import reads
from agenciaos_jobs.trigger_dev.tokens import resources

KEEP_ALIVE = 15.0
"""Seconds without a chunk after which a comment keeps proxies from closing the connection."""
_DEFAULT_TIMEOUT, _MAX_TIMEOUT = 60, 600

_EVENT_ID = re.compile(r"(?:\d{1,15}-)?(\d{1,15})", re.ASCII)


async def read_stream(request: web.Request) -> web.StreamResponse:
    run_id, database = request.match_info["run_id"], request.app[DATABASE]
    given, patience = _last_event(request), _patience(request)
    if await streams.is_over(database, run_id) is None:
        raise UnknownRunError(run_id)
    number = await _number_of(request, given)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["X-Request-Id"] = request[REQUEST_ID]
    cors.add_headers(request, response)
    rate_limits.add_rate_limit_headers(request, response)
    await response.prepare(request)
    with suppress(ConnectionResetError):  # the reader has gone
        await _send(request, response, number, patience)
    return response


async def _send(request: web.Request, response: web.StreamResponse, number: int, patience: float) -> None:
    run_id, stream = request.match_info["run_id"], request.match_info["stream"]
    database, clock, present = request.app[DATABASE], request.app[CLOCK], asyncio.get_running_loop().time
    ends_at, token = present() + patience, request.get(PUBLIC_TOKEN)
    async with request.app[LIVE].following(OneRun(run_id)) as changed:
        while True:
            changed.clear()
            is_over = await streams.is_over(database, run_id)  # before the chunks, which are stored before the end
            chunks = await streams.after(database, run_id, stream, number)
            if chunks:
                await response.write(b"".join(map(_event, chunks)))
                number, ends_at = chunks[-1].id, present() + patience
            elif is_over is not False or present() >= ends_at or (token and token.expires_at <= clock.now()):
                return None
            elif request.app[DRAINING].is_set():
                return _break_off(request)
            else:
                await _wait(response, changed, ends_at - present())


async def _wait(response: web.StreamResponse, changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(min(seconds, KEEP_ALIVE)):
            await changed.wait()
    except TimeoutError:
        await response.write(b":\n\n")


def _break_off(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()


def _event(chunk: Chunk) -> bytes:
    milliseconds = round(chunk.written_at.timestamp() * 1000)
    return f"id: {milliseconds}-{chunk.id}\ndata: {chunk.chunk}\n\n".encode()


def _last_event(request: web.Request) -> str:
    given = request.headers.get("Last-Event-ID", "")
    if given and not _EVENT_ID.fullmatch(given):
        raise wrong_field("Last-Event-ID", "event_id", "is not the id of an event of this stream")
    return given


async def _number_of(request: web.Request, given: str) -> int:
    """The number of the last chunk that the reader has, from an event's id or, for ``startIndex``, from its index."""
    if "-" in given or not given:
        return int(given.rpartition("-")[2] or 0)
    run_id, stream = request.match_info["run_id"], request.match_info["stream"]
    return await streams.number_at(request.app[DATABASE], run_id, stream, int(given))


def _patience(request: web.Request) -> float:
    """Seconds without a chunk after which the response ends."""
    given = request.headers.get("Timeout-Seconds", str(_DEFAULT_TIMEOUT))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MAX_TIMEOUT:
        message = f"must be a whole number from 1 to {_MAX_TIMEOUT}"
        raise wrong_field("Timeout-Seconds", "whole_number", message, most=_MAX_TIMEOUT)
    return float(given)


OPERATIONS = [
    Operation(
        "GET",
        "/realtime/v1/streams/{run_id}/{stream}",
        read_stream,
        Text("Acompanha um stream de uma execução", "Follows a stream of a run"),
        answers={200: "text/event-stream"},
        parameters={name: {"type": "string", "minLength": 1} for name in ("run_id", "stream")},
        problems=(404, 422, 503),
        token_access=reads(resources.of_run),
    ),
]
