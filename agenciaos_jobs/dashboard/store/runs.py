"""Runs for the dashboard. Ids sort by time, so a period of time is a range of ids."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.database import Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

FIRST_ID, LAST_ID = "run_", "run_~"
"""Bounds below and above every run id."""


@dataclass(frozen=True)
class Filter:
    """A filter of runs: ids from ``first`` up to before ``end`` that match all given criteria.

    ``text`` is the search of ``jobs.search_runs``: words of a run's input, output, error, tags or agency, or an id.
    """

    first: str = FIRST_ID
    end: str = LAST_ID
    task: str | None = None
    statuses: tuple[Status, ...] | None = None
    agency_id: str | None = None
    tag: str | None = None
    source: str | None = None
    text: str | None = None
    agent: str | None = None
    queue: str | None = None

    @property
    def values(self) -> tuple[Any, ...]:
        """The arguments of the queries, in their order."""
        statuses = None if self.statuses is None else list(self.statuses)
        filters = (self.task, statuses, self.agency_id, self.tag, self.source, self.text, self.agent, self.queue)
        return self.first, self.end, *filters


@dataclass(frozen=True)
class RunRow:
    """A row of the list. ``agency`` is a name, ``cost`` AI's in US dollars, ``amount`` and ``product`` a payment's."""

    id: str
    task: str
    status: Status
    agency_id: str | None
    agency: str | None
    source: str
    tags: list[str]
    attempt: int
    max_attempts: int
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    attempt_started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    agent: str | None
    month: str | None
    excerpt: str | None
    cost: Decimal | None
    amount: Decimal | None
    currency: str | None
    product: str | None


@dataclass(frozen=True)
class Listing:
    """A page of runs, newest first, and whether there are more on either side; ``fresh`` counts newer runs."""

    rows: list[RunRow]
    has_newer: bool
    has_older: bool
    fresh: int


async def listing(
    database: Database,
    wanted: Filter,
    size: int,
    *,
    before: str | None = None,
    after: str | None = None,
    max_fresh: int = 100,
) -> Listing:
    """The newest runs, or those next to an id: ``before`` it (older) or ``after`` it (newer).

    ``fresh`` counts the runs created since the filter's ``end``, up to ``max_fresh``.
    """
    if after is not None:
        return await _newer(database, wanted, size, after)
    stretch = replace(wanted, end=min(before, wanted.end)) if before else wanted
    rows = await _rows(database, stretch, size + 1, newest_first=True)
    fresh = 0
    if wanted.end != LAST_ID and not before:
        since = replace(wanted, first=max(wanted.first, wanted.end), end=LAST_ID)
        fresh = len(await matching(database, since, max_fresh))
    return Listing(rows[:size], has_newer=before is not None, has_older=len(rows) > size, fresh=fresh)


async def _newer(database: Database, wanted: Filter, size: int, after: str) -> Listing:
    stretch = replace(wanted, first=max(wanted.first, after + "0"))
    rows = await _rows(database, stretch, size + 1, newest_first=False)
    return Listing(rows[-size:], has_newer=len(rows) > size, has_older=True, fresh=0)


async def _rows(database: Database, wanted: Filter, limit: int, *, newest_first: bool) -> list[RunRow]:
    records = await database.fetch(QUERIES["listing"], *wanted.values, newest_first, limit)
    return [_row(record) for record in records]


async def neighbours(executor: Executor, wanted: Filter, run_id: str) -> tuple[str | None, str | None]:
    """The next newer and the next older run that match the filter."""
    record = await executor.fetchrow(QUERIES["neighbours"], *wanted.values, run_id)
    assert record is not None
    return record["newer"], record["older"]


async def matching(database: Database, wanted: Filter, limit: int) -> list[str]:
    """The ids of the newest runs that match the filter."""
    return [record["id"] for record in await database.fetch(QUERIES["matching"], *wanted.values, limit)]


async def agencies(executor: Executor) -> list[tuple[str, str]]:
    """Ids and names of the first 500 agencies, for a select."""
    return [(record["id"], record["name"]) for record in await executor.fetch(QUERIES["agencies"])]


def _row(record: asyncpg.Record) -> RunRow:
    return RunRow(**{**record, "status": Status(record["status"])})


def escape_like(text: str) -> str:
    """The text, escaped for LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
