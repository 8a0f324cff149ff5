"""Runs for those who follow them: what has changed since they last looked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import asyncpg

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.live_run import LiveRun
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Reading:
    """The runs that changed since a mark, and the mark to ask with next time.

    A mark is a Postgres snapshot: exact, whatever the order of commits, and good at any server.
    ``is_from_the_future``: the one asked with is from ahead of this database, as after a restore.
    """

    runs: list[LiveRun]
    mark: str
    is_from_the_future: bool = False


async def read_runs(executor: Executor, asked: Sequence[tuple[str, str | None]]) -> list[Reading]:
    """For each run's id the run, unless it is as it was at the mark; without a mark always."""
    ids, marks = [run_id for run_id, _ in asked], [mark for _, mark in asked]
    return _readings(await executor.fetch(QUERIES["read_runs"], list(range(len(asked))), ids, marks))


async def newest_tagged(executor: Executor, tags: Sequence[str], since: datetime) -> Reading:
    """The newest thousand of the runs made since then that have all of the tags."""
    return _reading(await executor.fetch(QUERIES["newest_tagged"], list(tags), since))


async def read_tagged(executor: Executor, tags: Sequence[str], asked: Sequence[tuple[datetime, str]]) -> list[Reading]:
    """For each moment and mark the runs made since that moment that have all of the tags and have changed."""
    moments, marks = [since for since, _ in asked], [mark for _, mark in asked]
    numbers = list(range(len(asked)))
    return _readings(await executor.fetch(QUERIES["read_tagged"], list(tags), numbers, moments, marks))


async def read_batch(executor: Executor, batch_id: str, mark: str | None) -> Reading:
    """The runs of a batch that have changed, or joined it."""
    return _reading(await executor.fetch(QUERIES["read_batch"], batch_id, mark))


async def touched(
    executor: Executor, run_ids: Iterable[str], tags: Iterable[str], batch_ids: Iterable[str]
) -> set[str]:
    """Those of the tags and batches that one of the runs belongs to, as ``tag:…`` and ``batch:…``."""
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
