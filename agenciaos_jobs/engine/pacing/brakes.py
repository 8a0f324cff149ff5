"""The brakes of the upstreams' calls, shared by all workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime

import asyncpg

from agenciaos_jobs.engine.pacing.brake import Brake
from agenciaos_jobs.foundation.database import Connection, Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_FIELDS = [field.name for field in fields(Brake)]


async def read(executor: Executor, key: str) -> Brake | None:
    """The brake of an upstream that was called before."""
    record = await executor.fetchrow(QUERIES["read"], key)
    return _brake(record) if record else None


@asynccontextmanager
async def locked(database: Database, key: str, now: datetime) -> AsyncIterator[tuple[Connection, Brake]]:
    """The upstream's brake, which nobody else changes until the transaction ends."""
    async with database.transaction() as connection:
        fresh = Brake(counted_at=now)
        await connection.execute(QUERIES["create"], key, fresh.rate, fresh.tokens, now)
        record = await connection.fetchrow(QUERIES["lock"], key)
        assert record
        yield connection, _brake(record)


async def lock_waited_for(connection: Connection, since: datetime) -> dict[str, Brake]:
    """Locks the brakes for which a run has waited since then, but for those that are locked already; by key."""
    records = await connection.fetch(QUERIES["lock_waited_for"], since)
    return {record["model"]: _brake(record) for record in records}


async def save(connection: Connection, key: str, brake: Brake) -> None:
    await connection.execute(QUERIES["save"], key, *(getattr(brake, name) for name in _FIELDS))


@dataclass(frozen=True)
class Outage:
    """An upstream in outage. ``name`` is its key without the prefix, ``waiting`` the number of waiting runs."""

    name: str
    since: datetime
    waiting: int


async def outages(executor: Executor, prefix: str, most: int) -> list[Outage]:
    """The upstreams in outage with keys that begin with ``prefix``, longest first; up to ``most`` runs are counted."""
    records = await executor.fetch(QUERIES["outages"], prefix, most)
    return [Outage(**record) for record in records]


def _brake(record: asyncpg.Record) -> Brake:
    return Brake(**{name: record[name] for name in _FIELDS})
