"""Pages of runs for Trigger.dev's SDK, newest first, by id: a page stays the same while runs arrive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.history import RunSummary
from agenciaos_jobs.foundation.clock import make_id
from agenciaos_jobs.foundation.database import Connection, Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

FIRST_ID, LAST_ID = "run_", "run_~"
"""Bounds below and above every run id."""

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

_ENDED = {status for status in Status if status.is_final}

# A run's id is generated shortly before its row.
_SLACK = timedelta(minutes=1)


@dataclass(frozen=True)
class RunFilter:
    """A filter of runs: all given criteria must match, each by one of its values.

    ``queues`` are named by callers; a task's own queue is found by its task.
    """

    statuses: Sequence[Status] | None = None
    tasks: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    queues: Sequence[str] | None = None
    schedule_id: str | None = None
    batch_id: str | None = None
    is_test: bool | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


@dataclass(frozen=True)
class Worked:
    """The duration of a run's attempts, and their cost in US dollars."""

    time: timedelta
    cost: Decimal


async def page(
    database: Database, wanted: RunFilter, size: int, *, after: str | None = None, before: str | None = None
) -> list[RunSummary]:
    """Up to ``size`` runs, newest first: those older than ``after``, or the next ones newer than ``before``."""
    async with database.transaction() as connection:
        await connection.execute(QUERIES["plan_each_time"])
        if before is not None:
            return (await _fetch(connection, "newer", wanted, f"{before}0", LAST_ID, size))[::-1]
        return await _fetch(connection, "older", wanted, FIRST_ID, after or LAST_ID, size)


async def _fetch(
    connection: Connection, query: str, wanted: RunFilter, first: str, end: str, limit: int
) -> list[RunSummary]:
    since, until = wanted.created_from or _EARLIEST, wanted.created_to or _LATEST
    if wanted.created_from:
        first = max(first, _floor(since - _SLACK))
    if wanted.created_to:
        end = min(end, _floor(until + _SLACK))
    batch = None
    if wanted.batch_id is not None:
        batch = [record["run_id"] for record in await connection.fetch(QUERIES["runs_of_batch"], wanted.batch_id)]
    rest: list[Any] = [_listed(wanted.tasks), _listed(wanted.queues), wanted.schedule_id, wanted.is_test, batch, limit]
    if wanted.tags is not None:
        query, rest = f"{query}_tagged", [*rest, list(wanted.tags)]
    found = [
        _summary(record)
        for statuses in _groups(wanted)
        for record in await connection.fetch(QUERIES[query], first, end, since, until, statuses, *rest)
    ]
    return sorted(found, key=lambda run: run.id, reverse=query.startswith("older"))[:limit]


def _groups(wanted: RunFilter) -> list[list[str] | None]:
    """The requested statuses, grouped as the indexes are; a page is the first of the groups' merged pages."""
    if wanted.statuses is None and wanted.tasks is None:
        return [None]
    wanted_statuses = set(Status if wanted.statuses is None else wanted.statuses)
    ended = [_ENDED] if wanted.tasks is not None else [_ENDED - {Status.COMPLETED}, {Status.COMPLETED}]
    return [sorted(wanted_statuses & group) for group in (set(Status) - _ENDED, *ended) if wanted_statuses & group]


def _listed(given: Sequence[str] | None) -> list[str] | None:
    return None if given is None else list(given)


def _summary(record: asyncpg.Record) -> RunSummary:
    return RunSummary(**{**record, "status": Status(record["status"])})


def _floor(moment: datetime) -> str:
    """A lower bound of the ids of runs made at or after this moment."""
    return make_id("run", max(moment, _EARLIEST), 0)[:14]


async def worked(executor: Executor, run_ids: list[str]) -> Mapping[str, Worked]:
    """The duration and cost of each run's ended attempts."""
    return {
        record["id"]: Worked(record["time"], record["cost"])
        for record in await executor.fetch(QUERIES["worked"], run_ids)
    }
