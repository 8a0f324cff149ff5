"""How connections to one Postgres are opened, directly or through a pooler in transaction mode.

Such a pooler (PgBouncer, Supavisor, Neon's) lends its connections to its clients for a transaction each. Settings and
prepared statements of a session would reach other clients, and a ``LISTEN`` receives nothing: none is used there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import asyncpg
import orjson

from agenciaos_jobs.foundation.connections.pool import PooledConnection
from agenciaos_jobs.foundation.connections.postgres_url import DatabaseURL
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.sql import load

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    _Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    _Connection = asyncpg.Connection

QUERIES = load(__name__)

_OLDEST = 14
_ROUNDS = 3


class UnsupportedPostgresError(DomainError):
    """The server's release is too old."""

    status = 503
    text = Text(
        f"O Postgres é antigo demais: é preciso a versão {_OLDEST} ou mais nova",
        f"Postgres is too old: release {_OLDEST} or later is needed",
    )


class BorrowedConnection(PooledConnection):
    """A connection through a pooler. It changes no setting of the session, not even those that asyncpg would."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # To look up a type, asyncpg switches the session's JIT off, if there is one.
        known: Any = self
        known._server_caps = known._server_caps._replace(jit=False)


@dataclass(frozen=True)
class Connector:
    """Opens connections to ``url``. ``is_pooled``: through a pooler in transaction mode.

    ``name`` is the connections' ``application_name``, ``timeouts`` are asyncpg's.
    """

    url: DatabaseURL
    name: str
    timeouts: Mapping[str, float]
    on_query: Callable[[Any], None] | None = None
    is_pooled: bool = True

    @classmethod
    async def find(
        cls, url: str, name: str, timeouts: Mapping[str, float], on_query: Callable[[Any], None] | None = None
    ) -> Self:
        """Connects, to find out what is there.

        Raises :class:`UnsupportedPostgresError`, ``MalformedURLError``, or asyncpg's errors.
        """
        connector = cls(DatabaseURL.read(url), name, timeouts, on_query)
        return replace(connector, is_pooled=await _is_pooled(connector.options, known=connector.url.is_pooled))

    def leading_to(self, url: str) -> Self:
        """The same for another address of the database, which is not tried yet."""
        other = DatabaseURL.read(url)
        return replace(self, url=other, is_pooled=other.is_pooled)

    @property
    def options(self) -> Mapping[str, Any]:
        """Options for asyncpg."""
        options: dict[str, Any] = {"dsn": self.url.dsn, **self.timeouts, "server_settings": {"timezone": "UTC"}}
        if context := self.url.ssl_context():
            options["ssl"] = context
        if self.is_pooled:
            return options | {"statement_cache_size": 0, "connection_class": BorrowedConnection}
        options["server_settings"]["application_name"] = self.name
        return options | {
            "statement_cache_size": self.url.statement_cache_size,
            "connection_class": PooledConnection,
        }

    async def connect(self, **others: Any) -> _Connection:
        """One connection, prepared; ``others`` are further options."""
        connection: _Connection = await asyncpg.connect(**{**self.options, **others})
        await self.prepare(connection)
        return connection

    async def prepare(self, connection: _Connection) -> None:
        """Prepares a new connection for use."""
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(
                kind, schema="pg_catalog", encoder=encode_json, decoder=orjson.loads, format="text"
            )
        if not self.is_pooled:
            await connection.execute(QUERIES["prepare_session"])
        if self.on_query:
            connection.add_query_logger(self.on_query)

    async def begin(self, connection: _Connection) -> None:
        """Applies the settings of a transaction that has just begun."""
        if self.is_pooled:
            await connection.execute(QUERIES["prepare_transaction"], self.name)


async def _is_pooled(options: Mapping[str, Any], *, known: bool) -> bool:
    """Whether backends are lent by the transaction.

    A server announces its process id to its client, and a pooler or proxy invents one. Whether that is lent by the
    transaction shows when two connections meet: either both have their own backend, always the same, or they do not.
    """
    one = await asyncpg.connect(**options)
    try:
        if one.get_server_version().major < _OLDEST:
            raise UnsupportedPostgresError(one.get_server_version().major)
        if known or await one.fetchval(QUERIES["backend"]) == one.get_server_pid():
            return known
        other = await asyncpg.connect(**options)
        try:
            return await _share_backends(one, other)
        finally:
            await other.close()
    finally:
        await one.close()


async def _share_backends(one: _Connection, other: _Connection) -> bool:
    backends: dict[_Connection, set[int]] = {one: set(), other: set()}

    async def meet(connection: _Connection) -> bool:
        backends[connection].add(await connection.fetchval(QUERIES["backend"]))
        return max(map(len, backends.values())) > 1 or bool(backends[one] & backends[other])

    for _ in range(_ROUNDS):
        for holder, guest in ((other, one), (one, other)):
            if await meet(guest):
                return True
            async with holder.transaction():
                if await meet(holder) or await meet(guest):
                    return True
    return False


def encode_json(value: Any) -> str:
    """JSON as it is stored: what JSON has no type for becomes text."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
