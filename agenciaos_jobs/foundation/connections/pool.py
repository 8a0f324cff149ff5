"""A pool of connections that replaces those that no longer respond.

A proxy or a router may forget a connection without a reset: what is sent over it vanishes, and no answer ever comes.
Neither a cancellation nor a graceful close is confirmed on such a connection, so it is terminated.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakSet

import asyncpg
import structlog

from agenciaos_jobs.foundation.connections.keepalive import keep_alive
from agenciaos_jobs.foundation.sql import load

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    _Base: TypeAlias = asyncpg.Connection[asyncpg.Record]
    _Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    _Acquired: TypeAlias = PoolConnectionProxy[asyncpg.Record]
else:
    _Base = asyncpg.Connection

log = structlog.get_logger("agenciaos_jobs.database")

QUERIES = load(__name__)

_PROBED_AFTER = 2.0
"""A connection that was idle for longer, in seconds, is probed before it is used."""

_PROBE_TIMEOUT = 2.0
_CLOSE_TIMEOUT = 5.0

_READ_ONCE_MORE = 0.1
"""Seconds after a limit in which an answer that came while the event loop was busy is still read."""


class PooledConnection(_Base):
    """A connection with TCP keepalive that records how long it has been idle."""

    def __init__(self, protocol: Any, transport: Any, *others: Any) -> None:
        super().__init__(protocol, transport, *others)
        keep_alive(transport.get_extra_info("socket"))
        self._last_used = time.monotonic()
        self.was_idle_for = 0.0
        self.is_idle = False

    def begin_use(self) -> None:
        self.was_idle_for, self.is_idle = time.monotonic() - self._last_used, False

    def end_use(self) -> None:
        self._last_used, self.is_idle = time.monotonic(), True


class ConnectionPool:
    """A pool whose idle connections are probed before use, and in which a block of statements may have a time limit."""

    def __init__(self, max_wait: float) -> None:
        self.max_wait = max_wait
        self._opened: WeakSet[PooledConnection] = WeakSet()

    async def open(self, **options: Any) -> None:
        """Opens the pool, with asyncpg's options; ``connection_class`` is a :class:`PooledConnection`."""
        async with asyncio.timeout(self.max_wait):
            self._pool: _Pool = await asyncpg.create_pool(**options, setup=self._begin_use, reset=self._end_use)

    @asynccontextmanager
    async def acquire(self, limit: float | None) -> "AsyncIterator[_Acquired]":
        """A connection that responds. The block raises ``TimeoutError`` if it takes longer than ``limit`` seconds."""
        connection = await self._acquire_responsive()
        with self._deadline(connection, limit):
            try:
                yield connection
            finally:
                await self._pool.release(connection)

    def abandon(self, connection: "_Acquired") -> None:
        """Terminates a connection that did not respond in time, and the idle ones, which may be as dead."""
        _terminate(connection)
        idle = [other for other in self._opened if other.is_idle]
        for other in idle:
            other.terminate()
        log.warning("connection_abandoned", idle=len(idle))

    def usage(self) -> tuple[int, int, int]:
        """The number of open connections, of idle ones, and the maximum."""
        return self._pool.get_size(), self._pool.get_idle_size(), self._pool.get_max_size()

    async def close(self) -> None:
        """Closes the connections; terminates those that do not close in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._pool.close()

    async def _acquire_responsive(self) -> "_Acquired":
        while True:
            connection = await self._pool.acquire(timeout=self.max_wait)
            pooled: Any = connection  # the proxy has the attributes of its connection
            if pooled.was_idle_for < _PROBED_AFTER or await self._responds(connection):
                return connection

    async def _responds(self, connection: "_Acquired") -> bool:
        try:
            with self._deadline(connection, _PROBE_TIMEOUT):
                await connection.execute(QUERIES["probe"])
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            _terminate(connection)
            return False
        except BaseException:
            _terminate(connection)
            raise
        return True

    @contextmanager
    def _deadline(self, connection: "_Acquired", limit: float | None) -> Iterator[None]:
        is_over, loop = False, asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None

        def read_once_more() -> None:
            nonlocal timer
            timer = loop.call_later(_READ_ONCE_MORE, end)

        def end() -> None:
            nonlocal is_over
            is_over = True
            self.abandon(connection)

        if limit is not None:
            timer = loop.call_later(limit, read_once_more)
        try:
            yield
        except Exception as error:
            if is_over:
                raise TimeoutError(f"no answer within {limit:g} s") from error
            if isinstance(error, TimeoutError):
                self.abandon(connection)
            raise
        finally:
            if timer:
                timer.cancel()

    async def _begin_use(self, connection: Any) -> None:
        connection.begin_use()

    async def _end_use(self, connection: Any) -> None:
        """Resets nothing, which saves a round trip: no code here changes session state."""
        connection.end_use()
        self._opened.add(connection)


def _terminate(connection: "_Acquired") -> None:
    """Closes a connection without waiting for Postgres, and frees its place in the pool."""
    with suppress(asyncpg.InterfaceError):  # it is closed already
        connection.terminate()
