"""Pages of runs for Trigger.dev's SDK, the newest first, by id: a page stays what it is while runs arrive."""

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
"""Before and after every run's id."""

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

_ENDED = {status for status in Status if status.is_final}

# A run's id is made a moment before its row.
_SLACK = timedelta(minutes=1)


@dataclass(frozen=True)
class RunFilter:
    """Which runs: those that have all that is given, and one of each that are several.

    ``queues`` are those that callers have named; a task's own queue is asked for by the task.
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
class Page:
    """Runs, the newest first, and whether there are more on either side."""

    runs: list[RunSummary]
    has_newer: bool
    has_older: bool


@dataclass(frozen=True)
class Worked:
    """How long a run's attempts took, and what they cost in US dollars."""

    time: timedelta
    cost: Decimal


async def page(
    database: Database, wanted: RunFilter, size: int, *, after: str | None = None, before: str | None = None
) -> Page:
    """The newest runs; or those that follow ``after``, which are older; or those that precede ``before``."""
    async with database.transaction() as connection:
        await connection.execute(QUERIES["plan_each_time"])
        if before is not None:
            found = await _fetch(connection, "newer", wanted, f"{before}0", LAST_ID, size + 1)
            return Page(found[:size][::-1], has_newer=len(found) > size, has_older=True)
        found = await _fetch(connection, "older", wanted, FIRST_ID, after or LAST_ID, size + 1)
        return Page(found[:size], has_newer=after is not None, has_older=len(found) > size)


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
    """The statuses asked for, as the indexes have them apart: a page is then the first of each group's pages."""
    if wanted.statuses is None and wanted.tasks is None:
        return [None]
    asked = set(Status if wanted.statuses is None else wanted.statuses)
    ended = [_ENDED] if wanted.tasks is not None else [_ENDED - {Status.COMPLETED}, {Status.COMPLETED}]
    return [sorted(asked & group) for group in (set(Status) - _ENDED, *ended) if asked & group]


def _listed(given: Sequence[str] | None) -> list[str] | None:
    return None if given is None else list(given)


def _summary(record: asyncpg.Record) -> RunSummary:
    return RunSummary(**{**record, "status": Status(record["status"])})


def _floor(moment: datetime) -> str:
    """No id made at or after this moment sorts before this text."""
    return make_id("run", max(moment, _EARLIEST), 0)[:14]


async def worked(executor: Executor, run_ids: list[str]) -> Mapping[str, Worked]:
    """What the work at each run took so far, without the attempt under way."""
    return {
        record["id"]: Worked(record["time"], record["cost"])
        for record in await executor.fetch(QUERIES["worked"], run_ids)
    }
