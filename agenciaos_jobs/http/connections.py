"""Limits on client connections, which aiohttp has not: on their number, and on the wait for a request's head.

An idle connection waits for the head of a request. It is half-open if it has been waiting for its first one for
:data:`GRACE` seconds: longer than a client takes that means to send one.
"""

import asyncio
import resource
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.connections.keepalive import keep_alive
from agenciaos_jobs.http.client_address import counted, parse

GRACE = 1.0
PROXIES_KEEP_ALIVE = 650.0
"""Seconds that a proxy's idle connection stays open: longer than proxies keep theirs (up to 600 seconds), because a
request that meets the closing of its connection fails."""
RESERVED_FILES = 200
"""Files that a process may open besides the connections of its clients."""

_BODY = b"Conex\xc3\xb5es demais; tente de novo em um segundo / Too many connections; try again in a second\n"
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


@dataclass(frozen=True)
class ConnectionLimits:
    """``total`` is the limit on all connections, ``half_open`` that of one address, or none; times are in seconds."""

    total: int
    half_open: int | None = 100
    head_timeout: float = 10.0
    keep_alive: float = 75.0


class Runner(web.AppRunner):
    """Runs an application within limits on its connections."""

    def __init__(self, app: web.Application, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(app, keepalive_timeout=limits.keep_alive, **kwargs)
        self._limits = limits

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._limits)


class _Server(web.Server):
    """aiohttp's server with a list of its open connections, oldest first."""

    def __init__(self, made: web.Server, limits: ConnectionLimits) -> None:
        super().__init__(made.request_handler, request_factory=made.request_factory, **made._kwargs)
        self.limits, self.total = limits, _within_file_limit(limits.total)
        self.open: dict[_Connection, None] = {}
        self.half_open: Counter[str] = Counter()

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    def admit(self, connection: "_Connection") -> bool:
        """Counts a new connection. Where there are too many it closes the oldest idle one; false if none is idle."""
        if len(self.open) >= self.total:
            metrics.CONNECTIONS_CLOSED.labels("total").inc()
            idle = next((other for other in self.open if other.is_idle()), None)
            if idle is None:
                return False
            del self.open[idle]
            idle.force_close()
        self.open[connection] = None
        return True


class _Connection(web.RequestHandler):
    """A client's connection. It is closed if the head of a request takes longer than the limit."""

    __slots__ = ("_address", "_server", "_timer")

    def __init__(self, server: _Server, **kwargs: Any) -> None:
        super().__init__(server, **kwargs)
        self._server = server
        self._timer: asyncio.TimerHandle | None = None
        self._address: str | None = None  # once it counts as half-open

    def is_idle(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._server.admit(self):
            refused = cast(asyncio.Transport, transport)
            refused.write(_FULL)
            refused.close()
            return
        super().connection_made(transport)
        keep_alive(transport.get_extra_info("socket"))  # ends the connection of a client that never reads its responses
        self._timer = self._loop.call_later(GRACE, self._count_half_open)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.is_idle():
            self._stop_timer()
        elif self._timer is None:
            self._timer = self._loop.call_later(self._server.limits.head_timeout, self._time_out)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._stop_timer()
        self._server.open.pop(self, None)

    def _count_half_open(self) -> None:
        limits, counts = self._server.limits, self._server.half_open
        self._address = address = _address_of(self.peername)
        counts[address] += 1
        if limits.half_open is not None and counts[address] > limits.half_open:
            metrics.CONNECTIONS_CLOSED.labels("half_open").inc()
            self.force_close()
        else:
            self._timer = self._loop.call_later(limits.head_timeout - GRACE, self._time_out)

    def _time_out(self) -> None:
        metrics.CONNECTIONS_CLOSED.labels("timeout").inc()
        self.force_close()

    def _stop_timer(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        if (address := self._address) is not None:
            self._address, counts = None, self._server.half_open
            counts[address] -= 1
            if not counts[address]:
                del counts[address]


def _address_of(peer: Any) -> str:
    return counted(parse(peer[0])) if isinstance(peer, tuple) else ""


def _within_file_limit(total: int) -> int:
    """The number of connections that the limit on open files leaves, after raising it as far as the process may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = total + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, min(total, soft - RESERVED_FILES))
    return total
