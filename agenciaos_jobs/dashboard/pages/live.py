"""Server-sent events: tells a page that what it shows has changed (https://html.spec.whatwg.org/#server-sent-events).

``change`` carries the ids of runs, or ``null`` for "anything may have"; the page asks for its live parts anew. ``beat``
comes when there was nothing to tell for a while.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress

import orjson
from aiohttp import web

from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.rendering import SESSION
from agenciaos_jobs.dashboard.sessions import ACCESS, COOKIE
from agenciaos_jobs.dashboard.store import run
from agenciaos_jobs.engine.change_feed import ChangeSubscription
from agenciaos_jobs.http.keys import CHANGES, DATABASE
from agenciaos_jobs.http.shutdown import close_when_draining

BEAT = 10.0
PACE = 0.2
LOG_PACE = 0.3
MOST_IDS = 200

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


async def stream(request: web.Request) -> web.StreamResponse:
    """``/live``: all runs' changes; ``/live?run=…``: one run's, and new lines of its log. Ends with the session.

    Without a session the answer is 204, which ends a browser's attempts to reconnect.
    """
    if SESSION not in request:
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
    response = web.StreamResponse(headers=_HEADERS)
    close_when_draining(request, response)
    await response.prepare(request)
    # The browser is gone, which is how such a stream ends.
    with suppress(ConnectionResetError):
        async with request.app[CHANGES].watch() as watch:
            await response.write(b"retry: 1000\nevent: beat\ndata:\n\n")
            if run_id := request.query.get("run", "").replace("\0", ""):
                await _tell_of_one(request, response, watch, run_id)
            else:
                await _tell_of_all(request, response, watch)
    return response


async def _tell_of_all(request: web.Request, response: web.StreamResponse, watch: ChangeSubscription) -> None:
    while True:
        try:
            ids = await asyncio.wait_for(anext(watch), BEAT)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if not await _goes_on(request, response):
                return
            continue
        await _tell(response, ids)
        await asyncio.sleep(PACE)


async def _tell_of_one(
    request: web.Request, response: web.StreamResponse, watch: ChangeSubscription, run_id: str
) -> None:
    """A log's new lines make no change of their run, so they are looked for."""
    database, present = request.app[DATABASE], asyncio.get_running_loop().time
    log_end = await run.log_end(database, run_id)
    next_poll_delay, next_beat = present() + LOG_PACE, present() + BEAT
    while True:
        is_news = False
        try:
            ids = await asyncio.wait_for(anext(watch), max(0.0, next_poll_delay - present()))
            is_news = ids is None or run_id in ids
        except StopAsyncIteration:
            return
        except TimeoutError:
            newest = await run.log_end(database, run_id)
            is_news, log_end, next_poll_delay = newest != log_end, newest, present() + LOG_PACE
        if is_news:
            await _tell(response, [run_id])
            await asyncio.sleep(PACE)
        if present() >= next_beat:
            next_beat = present() + BEAT
            if not await _goes_on(request, response):
                return


async def _tell(response: web.StreamResponse, ids: Collection[str] | None) -> None:
    told = None if ids is None or len(ids) > MOST_IDS else sorted(ids)
    await response.write(b"event: change\ndata: " + orjson.dumps(told) + b"\n\n")


async def _goes_on(request: web.Request, response: web.StreamResponse) -> bool:
    """Sends a beat while the session lasts."""
    if await request.app[ACCESS].session(request.cookies.get(COOKIE, "")) is None:
        return False
    await response.write(b"event: beat\ndata:\n\n")
    return True


PAGES = [Page("GET", "/live", stream, needs_login=False)]
