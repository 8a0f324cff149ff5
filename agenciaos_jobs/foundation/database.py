"""The connection pool, and the errors that mean that Postgres is unavailable."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg import exceptions as pg

from agenciaos_jobs.foundation.connections.connector import Connector
from agenciaos_jobs.foundation.connections.pool import ConnectionPool
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection

STATEMENT_TIMEOUT = 60.0
"""The limit of a statement, in seconds, where no shorter one is given: of reports, exports and jobs."""

REQUEST_TIMEOUT = 4.0
"""The limit of what a caller waits for: a request is answered within 5 seconds, if need be with 503."""

ENGINE_TIMEOUT = 8.0
"""The limit of the worker's own short statements: claims, outcomes without an effect, rescues, schedules."""


class DatabaseUnavailableError(DomainError):
    """Postgres is down, restarting or out of connections. A retry may succeed."""

    status = 503
    text = Text(
        "Banco de dados indisponível; tente novamente em alguns segundos",
        "The database is unavailable; try again in a few seconds",
    )
    headers = MappingProxyType({"Retry-After": "5"})

    def __str__(self) -> str:
        """The cause, for logs."""
        return self.about


class UnstorableTextError(DomainError):
    """A text has a character in it that Postgres stores in none: U+0000."""

    status = 422
    text = Text("O caractere NUL (U+0000) não é aceito", "The NUL character (U+0000) is not accepted")


class Database:
    """A connection pool. Outages are raised as :class:`DatabaseUnavailableError`.

    A statement may take :data:`STATEMENT_TIMEOUT`. :meth:`within` gives a view of the pool with a shorter limit.
    """

    def __init__(
        self, pool: ConnectionPool, connector: Connector, direct: Connector, limit: float | None = None
    ) -> None:
        self._pool, self._connector, self._direct, self._limit = pool, connector, direct, limit
        self._after_commit: dict[Connection, list[Callable[[], None]]] = {}

    def within(self, limit: float) -> "Database":
        """The same pool, where each call and each block takes ``limit`` seconds at most, once it has a connection.

        A connection on which it takes longer is terminated.
        """
        limited = Database(self._pool, self._connector, self._direct, limit)
        limited._after_commit = self._after_commit
        return limited

    async def fetch(self, query: str, *values: Any) -> list[asyncpg.Record]:
        with _outages_translated:
            async with self._pool.acquire(self._limit) as connection:
                return await connection.fetch(query, *values)

    async def fetchrow(self, query: str, *values: Any) -> asyncpg.Record | None:
        with _outages_translated:
            async with self._pool.acquire(self._limit) as connection:
                return await connection.fetchrow(query, *values)

    async def fetchval(self, query: str, *values: Any) -> Any:
        with _outages_translated:
            async with self._pool.acquire(self._limit) as connection:
                return await connection.fetchval(query, *values)

    async def execute(self, query: str, *values: Any) -> str:
        with _outages_translated:
            async with self._pool.acquire(self._limit) as connection:
                return await connection.execute(query, *values)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection for several statements outside a transaction."""
        with _outages_translated:
            async with self._pool.acquire(self._limit) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction that commits unless the block raises."""
        with _outages_translated:
            async with self._pool.acquire(self._limit) as connection:
                callbacks = self._after_commit[connection] = []
                try:
                    async with connection.transaction():
                        try:
                            await self._connector.begin(connection)
                            yield connection
                        except TimeoutError:
                            self._pool.abandon(connection)  # a rollback would wait for as long again
                            raise
                finally:
                    del self._after_commit[connection]
        for callback in callbacks:
            callback()

    def after_commit(self, connection: Connection, callback: Callable[[], None]) -> bool:
        """Has ``callback`` called after the transaction that :meth:`transaction` opened on ``connection`` commits.

        Returns ``False``, and never calls it, if the connection is not in such a transaction.
        """
        callbacks = self._after_commit.get(connection)
        if callbacks is None:
            return False
        callbacks.append(callback)
        return True

    @asynccontextmanager
    async def own_connection(self, statement_timeout: float, *, listens: bool = False) -> AsyncIterator[Connection]:
        """A dedicated connection outside the pool, for long-lived use; one that ``listens`` passes by a pooler."""
        with _outages_translated:
            connector = self._direct if listens else self._connector
            connection = await connector.connect(command_timeout=statement_timeout)
            try:
                yield connection
            except TimeoutError:
                connection.terminate()
                raise
            finally:
                await connection.close(timeout=statement_timeout)

    @property
    def is_notified(self) -> bool:
        """Whether notifications arrive, over a connection that listens: not through a pooler in transaction mode."""
        return not self._direct.is_pooled

    def usage(self) -> tuple[int, int, int]:
        """The number of open connections, of idle ones, and the pool's maximum."""
        return self._pool.usage()

    async def close(self) -> None:
        await self._pool.close()


Executor: TypeAlias = "Connection | Database"

_OUTAGES: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    pg.PostgresConnectionError,
    pg.CannotConnectNowError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.TooManyConnectionsError,
    pg.ReadOnlySQLTransactionError,
    pg.DeadlockDetectedError,  # with a migration, which usually gives way first
    pg.InternalClientError,  # raised by asyncpg if the server goes down or is not up yet while connecting
)


class _Translated:
    """An outage leaves the block as :class:`DatabaseUnavailableError`, U+0000 as :class:`UnstorableTextError`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, pg.CharacterNotInRepertoireError | pg.UntranslatableCharacterError):
            raise UnstorableTextError from error
        if isinstance(error, _OUTAGES):
            raise DatabaseUnavailableError(f"{type(error).__name__}: {error}") from error
        # asyncpg has no dedicated class for a connection that was closed during use.
        is_closed = isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)
        if is_closed and not isinstance(error, asyncpg.DataError):
            raise DatabaseUnavailableError(str(error)) from error


_outages_translated = _Translated()


async def connect(
    url: str,
    *,
    direct_url: str | None = None,
    size: int = 10,
    max_wait: float = 10,
    name: str = "",
    on_query: Callable[[Any], None] | None = None,
) -> Database:
    """Opens a pool of up to ``size`` connections. ``max_wait`` limits connecting and waiting for one, in seconds.

    ``direct_url`` leads to the same database without a pooler, for notifications. ``name`` identifies the connections
    in Postgres (``application_name``: ``agenciaos-jobs worker_01…``). ``on_query`` is called after every statement:
    see asyncpg's ``add_query_logger``.

    Raises :class:`DatabaseUnavailableError`, asyncpg's error if the server rejects the login,
    ``UnsupportedPostgresError`` or ``MalformedURLError``.
    """
    timeouts = {"timeout": max_wait, "command_timeout": STATEMENT_TIMEOUT}
    pool = ConnectionPool(max_wait)
    with _outages_translated:
        async with asyncio.timeout(max_wait):
            connector = await Connector.find(url, f"agenciaos-jobs {name}".strip(), timeouts, on_query)
        await pool.open(**connector.options, min_size=1, max_size=size, init=connector.prepare)
    return Database(pool, connector, connector.leading_to(direct_url) if direct_url else connector)
