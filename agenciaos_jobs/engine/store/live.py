"""Live reads: the runs that changed since a cursor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import asyncpg

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class LiveRun:
    """A run as live subscribers see it. ``seconds`` and ``dollars`` are the duration and cost of its attempts."""

    id: str
    task: str
    status: Status
    payload: Any
    output: Any
    error: Json | None
    tags: list[str]
    idempotency_key: str | None
    metadata: Json | None
    is_test: bool
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    delayed_until: datetime | None
    expires_at: datetime | None
    finished_at: datetime | None
    seconds: float
    dollars: float


@dataclass(frozen=True)
class Reading:
    """The runs that changed since a cursor, and the cursor for the next read.

    A cursor is a Postgres snapshot: exact whatever the order of commits, and valid at any server.
    ``is_from_the_future``: the given cursor is ahead of this database, as after a restore.
    """

    runs: list[LiveRun]
    cursor: str
    is_from_the_future: bool = False


async def read_runs(executor: Executor, requests: Sequence[tuple[str, str | None]]) -> list[Reading]:
    """A reading for each run id and cursor: the run if it changed since. Without a cursor the run is always read."""
    ids, cursors = [run_id for run_id, _ in requests], [cursor for _, cursor in requests]
    return _readings(await executor.fetch(QUERIES["read_runs"], list(range(len(requests))), ids, cursors))


async def newest_tagged(executor: Executor, tags: Sequence[str], since: datetime) -> Reading:
    """The newest thousand runs created since a moment that have all of the tags."""
    return _reading(await executor.fetch(QUERIES["newest_tagged"], list(tags), since))


async def read_tagged(
    executor: Executor, tags: Sequence[str], requests: Sequence[tuple[datetime, str]]
) -> list[Reading]:
    """A reading for each moment and cursor: the changed runs created since the moment that have all of the tags."""
    starts, cursors = [since for since, _ in requests], [cursor for _, cursor in requests]
    numbers = list(range(len(requests)))
    return _readings(await executor.fetch(QUERIES["read_tagged"], list(tags), numbers, starts, cursors))


async def read_batch(executor: Executor, batch_id: str, cursor: str | None) -> Reading:
    """The runs of a batch that changed or were added since the cursor."""
    return _reading(await executor.fetch(QUERIES["read_batch"], batch_id, cursor))


async def touched(
    executor: Executor, run_ids: Iterable[str], tags: Iterable[str], batch_ids: Iterable[str]
) -> set[str]:
    """Those of the tags and batches that any of the runs belongs to, as ``tag:…`` and ``batch:…``."""
    records = await executor.fetch(QUERIES["touched"], list(run_ids), list(tags), list(batch_ids))
    return {record["name"] for record in records}


_COLUMNS = [field.name for field in fields(LiveRun)]


def _readings(records: list[asyncpg.Record]) -> list[Reading]:
    by_number: dict[int, list[asyncpg.Record]] = {}
    for record in records:
        by_number.setdefault(record["number"], []).append(record)
    return [_reading(by_number[number]) for number in sorted(by_number)]


def _reading(records: list[asyncpg.Record]) -> Reading:
    first = records[0]
    return Reading([_run(record) for record in records if record["id"]], first["snapshot"], first["is_from_the_future"])


def _run(record: asyncpg.Record) -> LiveRun:
    values: dict[str, Any] = {name: record[name] for name in _COLUMNS}
    return LiveRun(**values | {"status": Status(record["status"])})
