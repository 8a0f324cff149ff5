"""The brakes of the models' calls, shared by all workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import datetime

import asyncpg

from agenciaos_jobs.ai_content.pacing.brake import Brake
from agenciaos_jobs.foundation.database import Connection, Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_FIELDS = [field.name for field in fields(Brake)]


async def read(executor: Executor, model: str) -> Brake | None:
    """The brake of a model that was called before."""
    record = await executor.fetchrow(QUERIES["read"], model)
    return _brake(record) if record else None


@asynccontextmanager
async def locked(database: Database, model: str, now: datetime) -> AsyncIterator[tuple[Connection, Brake]]:
    """The model's brake, which nobody else changes until the transaction ends."""
    async with database.transaction() as connection:
        fresh = Brake(counted_at=now)
        await connection.execute(QUERIES["create"], model, fresh.rate, fresh.tokens, now)
        record = await connection.fetchrow(QUERIES["lock"], model)
        assert record
        yield connection, _brake(record)


async def lock_waited_for(connection: Connection, since: datetime) -> dict[str, Brake]:
    """Locks the brakes for which a run has waited since then, but for those that are locked already; by model."""
    records = await connection.fetch(QUERIES["lock_waited_for"], since)
    return {record["model"]: _brake(record) for record in records}


async def save(connection: Connection, model: str, brake: Brake) -> None:
    await connection.execute(QUERIES["save"], model, *(getattr(brake, name) for name in _FIELDS))


async def open_circuits(executor: Executor) -> dict[str, datetime]:
    """The models that do not answer, and since when."""
    return {record["model"]: record["open_since"] for record in await executor.fetch(QUERIES["open_circuits"])}


def _brake(record: asyncpg.Record) -> Brake:
    return Brake(**{name: record[name] for name in _FIELDS})
