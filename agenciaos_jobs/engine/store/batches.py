"""Batches and the runs of their items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from agenciaos_jobs.engine.store.idempotency import key_digest
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Batch:
    """A batch. It is sealed once all its ``run_count`` items have been added."""

    id: str
    run_count: int
    idempotency_key: str | None
    created_at: datetime
    sealed_at: datetime | None


@dataclass(frozen=True)
class BatchItem:
    """An item of a batch. ``is_cached``: its run existed before, under the same idempotency key."""

    position: int
    run_id: str
    is_cached: bool


@dataclass(frozen=True)
class Progress:
    """When a batch's runs last changed, and how many have not ended."""

    updated_at: datetime | None
    unfinished: int


async def insert(connection: Connection, batch: Batch, key: str | None, key_expires_at: datetime) -> bool:
    """Stores a batch; ``False`` if another batch holds ``key``."""
    digest = key_digest(key)
    if digest:
        await connection.execute(QUERIES["free_expired_key"], digest, batch.created_at)
    values = (batch.id, batch.run_count, batch.idempotency_key, digest, key_expires_at, batch.created_at)
    return await connection.fetchval(QUERIES["insert"], *values) is not None


async def get(executor: Executor, batch_id: str) -> Batch | None:
    return _batch(await executor.fetchrow(QUERIES["get"], batch_id))


async def with_key(executor: Executor, key: str) -> Batch | None:
    return _batch(await executor.fetchrow(QUERIES["with_key"], key_digest(key)))


async def hold(connection: Connection, batch_id: str) -> Batch | None:
    """Reads the batch and locks its row for the transaction."""
    return _batch(await connection.fetchrow(QUERIES["hold"], batch_id))


async def seal(connection: Connection, batch_id: str, now: datetime) -> None:
    await connection.execute(QUERIES["seal"], batch_id, now)


async def add_items(connection: Connection, batch_id: str, items: Sequence[BatchItem]) -> None:
    """Stores the run of each item, in one statement."""
    positions, run_ids = [item.position for item in items], [item.run_id for item in items]
    await connection.execute(QUERIES["add_items"], batch_id, positions, run_ids, [item.is_cached for item in items])


async def items(executor: Executor, batch_id: str) -> list[BatchItem]:
    """The items added so far, in order of position."""
    return [BatchItem(**record) for record in await executor.fetch(QUERIES["items"], batch_id)]


async def progress(executor: Executor, batch_id: str) -> Progress:
    record = await executor.fetchrow(QUERIES["progress"], batch_id)
    assert record is not None
    return Progress(**record)


async def drop_old(executor: Executor, before: datetime) -> None:
    """Deletes batches created before a moment, with their items. Their runs are kept as long as any other run."""
    await executor.execute(QUERIES["drop_old"], before)


def _batch(record: asyncpg.Record | None) -> Batch | None:
    return Batch(**record) if record else None
