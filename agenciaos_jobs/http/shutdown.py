"""Graceful shutdown: fail readiness, wait, stop accepting, drain.

A balancer learns of a shutdown only by polling. So ``/readyz`` fails first, while the server keeps responding and
closes each connection after its response. After the delay it stops accepting and finishes the open requests.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from agenciaos_jobs.http.connections import ConnectionLimits, Runner
from agenciaos_jobs.http.keys import DRAINING

log = structlog.get_logger("agenciaos_jobs.server")


async def serve(
    app: web.Application, host: str, port: int, limits: ConnectionLimits, *, delay: float, grace: float
) -> None:
    """Serves until SIGTERM or SIGINT.

    ``delay`` is the wait in seconds between failing readiness and closing the socket, ``grace`` the limit in seconds
    for requests that are open then. SIGINT, which a person sends, and a second signal skip the delay.
    """
    runner = Runner(app, limits, access_log=None, shutdown_timeout=grace)
    try:
        await runner.setup()
        stop, hurry = _on_signals()
        await site(runner, host, port).start()
        log.info("server_started", host=host, port=port)
        await stop.wait()
        app[DRAINING].set()
        log.info("server_draining", seconds=0 if hurry.is_set() else delay)
        await _within(delay, hurry.wait)
    finally:
        await runner.cleanup()


def site(runner: web.AppRunner, host: str, port: int) -> web.BaseSite:
    """Listens on ``host``; on both families for ``::``, which asyncio by itself would listen on for IPv6 alone."""
    if host == "::" and socket.has_dualstack_ipv6():
        listening = socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=True)
        return web.SockSite(runner, listening)
    return web.TCPSite(runner, host, port)


def close_when_draining(request: web.Request, response: web.StreamResponse) -> None:
    """Closes the connection after this response, so that the client opens its next one elsewhere."""
    if request.app[DRAINING].is_set():
        response.force_close()
        response.headers["Connection"] = "close"


def _on_signals() -> tuple[asyncio.Event, asyncio.Event]:
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signaled(number: int) -> None:
        if stop.is_set() or number == signal.SIGINT:
            hurry.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signaled, number)
    return stop, hurry


async def _within(seconds: float, act: Callable[[], Awaitable[object]]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await act()
    except TimeoutError:
        pass
