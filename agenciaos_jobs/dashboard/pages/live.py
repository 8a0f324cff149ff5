"""Server-sent events that notify a page of changes (https://html.spec.whatwg.org/#server-sent-events).

``change`` carries the ids of runs, or ``null`` if any may have changed; the page then refreshes its live parts.
``beat`` is the keep-alive of an idle stream.
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
MAX_IDS = 200

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


async def stream(request: web.Request) -> web.StreamResponse:
    """``/live``: changes of all runs; ``/live?run=…``: changes of one run and its log. Ends with the session.

    Without a session the response is 204, which stops a browser's reconnecting.
    """
    if SESSION not in request:
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
    response = web.StreamResponse(headers=_HEADERS)
    close_when_draining(request, response)
    await response.prepare(request)
    # A stream ends when the browser disconnects.
    with suppress(ConnectionResetError):
        async with request.app[CHANGES].subscribe() as watch:
            await response.write(b"retry: 1000\nevent: beat\ndata:\n\n")
            if run_id := request.query.get("run", ""):
                await _send_run_changes(request, response, watch, run_id)
            else:
                await _send_all_changes(request, response, watch)
    return response


async def _send_all_changes(request: web.Request, response: web.StreamResponse, changes: ChangeSubscription) -> None:
    while True:
        try:
            ids = await asyncio.wait_for(anext(changes), BEAT)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if not await _beat_while_logged_in(request, response):
                return
            continue
        await _send_change(response, ids)
        await asyncio.sleep(PACE)


async def _send_run_changes(
    request: web.Request, response: web.StreamResponse, changes: ChangeSubscription, run_id: str
) -> None:
    """Sends changes of one run. New log lines do not appear in the change feed, so they are polled."""
    database, present = request.app[DATABASE], asyncio.get_running_loop().time
    log_end = await run.log_end(database, run_id)
    next_poll, next_beat = present() + LOG_PACE, present() + BEAT
    while True:
        has_changed = False
        try:
            ids = await asyncio.wait_for(anext(changes), max(0.0, next_poll - present()))
            has_changed = ids is None or run_id in ids
        except StopAsyncIteration:
            return
        except TimeoutError:
            newest = await run.log_end(database, run_id)
            has_changed, log_end, next_poll = newest != log_end, newest, present() + LOG_PACE
        if has_changed:
            await _send_change(response, [run_id])
            await asyncio.sleep(PACE)
        if present() >= next_beat:
            next_beat = present() + BEAT
            if not await _beat_while_logged_in(request, response):
                return


async def _send_change(response: web.StreamResponse, ids: Collection[str] | None) -> None:
    data = None if ids is None or len(ids) > MAX_IDS else sorted(ids)
    await response.write(b"event: change\ndata: " + orjson.dumps(data) + b"\n\n")


async def _beat_while_logged_in(request: web.Request, response: web.StreamResponse) -> bool:
    """Sends a beat; false once the session has ended."""
    if await request.app[ACCESS].session(request.cookies.get(COOKIE, "")) is None:
        return False
    await response.write(b"event: beat\ndata:\n\n")
    return True


PAGES = [Page("GET", "/live", stream, needs_login=False)]
