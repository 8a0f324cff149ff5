"""Serving until told to stop, and stopping so that nobody notices.

A balancer in front learns of a stop only by asking. So a server that is told to stop says so at ``/readyz``, and goes
on answering for a while, each time closing the connection; then it takes no more, and finishes what it is answering.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from agenciaos_jobs.http.keys import DRAINING

log = structlog.get_logger("agenciaos_jobs.server")


async def serve(app: web.Application, host: str, port: int, *, delay: float, grace: float) -> None:
    """Serves until SIGTERM or SIGINT; ``delay`` is the while in seconds, ``grace`` what open requests get after it.

    SIGINT, which comes from a person, and a second signal wait for no ``delay``.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace)
    try:
        await runner.setup()
        told, hurry = _on_signals()
        await web.TCPSite(runner, host, port).start()
        log.info("server_started", host=host, port=port)
        await told.wait()
        app[DRAINING].set()
        log.info("server_draining", seconds=0 if hurry.is_set() else delay)
        await _within(delay, hurry.wait)
    finally:
        await runner.cleanup()


def close_when_draining(request: web.Request, response: web.StreamResponse) -> None:
    """Has the client, or the balancer, open its next connection elsewhere."""
    if request.app[DRAINING].is_set():
        response.force_close()
        response.headers["Connection"] = "close"


def _on_signals() -> tuple[asyncio.Event, asyncio.Event]:
    told, hurry = asyncio.Event(), asyncio.Event()

    def signaled(number: int) -> None:
        if told.is_set() or number == signal.SIGINT:
            hurry.set()
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signaled, number)
    return told, hurry


async def _within(seconds: float, act: Callable[[], Awaitable[object]]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await act()
    except TimeoutError:
        pass
