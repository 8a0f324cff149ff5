"""Queues and workers as the dashboard shows them, and what is held: paused queues, and models that do not answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from agenciaos_jobs.ai_content.pacing.upstream import OPENAI
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.payments.upstream import PROVIDER

QUERIES = load(__name__)

MAX_COUNTED = 1_000
"""Held runs are counted up to this many: the count is on every page."""

MAX_RUNS = 10
"""Runs that are listed with a worker."""


@dataclass(frozen=True)
class QueueFigures:
    """The runs of a queue that are due and wait, and the newest of the last hour.

    ``rate`` is in new runs an hour. ``slow_wait`` is the wait before the start that 95 % of them stayed below.
    """

    name: str
    waiting: int = 0
    oldest: datetime | None = None
    rate: float = 0
    slow_wait: timedelta | None = None


@dataclass(frozen=True)
class WorkerRun:
    """A run under way; ``since`` is the start of its attempt."""

    id: str
    task: str
    since: datetime


@dataclass(frozen=True)
class WorkerRow:
    """A worker; ``runs`` are the oldest of those that it executes. ``memory`` is in bytes.

    A worker of an older release has no ``slots``, and cannot be drained.
    """

    id: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    is_alive: bool
    slots: int | None
    version: str | None
    memory: int | None
    draining_since: datetime | None
    draining_by: str | None
    executing: int
    runs: list[WorkerRun]


@dataclass(frozen=True)
class Held:
    """Paused queues, or models with an open circuit: their names, since when, and how many runs wait for them."""

    names: list[str]
    since: datetime
    waiting: int

    @property
    def is_capped(self) -> bool:
        """Whether more runs wait than were counted."""
        return self.waiting >= MAX_COUNTED


@dataclass(frozen=True)
class Holds:
    """What keeps runs from starting at present; ``None`` for what does not."""

    paused: Held | None
    circuits: Held | None
    providers: Held | None


async def figures(executor: Executor, now: datetime) -> dict[str, QueueFigures]:
    """By name, the queues with due runs, or with new ones in the last hour."""
    return {record["name"]: QueueFigures(**record) for record in await executor.fetch(QUERIES["figures"], now)}


async def workers(executor: Executor, now: datetime) -> list[WorkerRow]:
    """The workers whose leases hold, then those that were lost within the last hour."""
    return [_worker(record) for record in await executor.fetch(QUERIES["workers"], now, MAX_RUNS)]


async def holds(executor: Executor, now: datetime) -> Holds:
    """What is held at present."""
    circuits = await executor.fetch(QUERIES["open_circuits"], MAX_COUNTED)
    return Holds(await _paused(executor, now), _down(circuits, OPENAI), _down(circuits, PROVIDER))


async def _paused(executor: Executor, now: datetime) -> Held | None:
    if not (records := await executor.fetch(QUERIES["paused"])):
        return None
    names = [record["name"] for record in records]
    waiting = await executor.fetchval(QUERIES["paused_runs"], names, now, MAX_COUNTED)
    return Held(names, records[0]["paused_at"], waiting)


def _down(records: Sequence[asyncpg.Record], prefix: str) -> Held | None:
    """The upstreams in outage with keys that begin with ``prefix``; ``None`` if there are none."""
    found = [record for record in records if record["model"].startswith(prefix)]
    if not found:
        return None
    waiting = sum(record["waiting"] for record in found)
    return Held([record["model"].removeprefix(prefix) for record in found], found[0]["since"], waiting)


def _worker(record: asyncpg.Record) -> WorkerRow:
    values = dict(record)
    columns = [values.pop(name) or () for name in ("run_ids", "tasks", "since")]
    return WorkerRow(**values, runs=[WorkerRun(*run) for run in zip(*columns, strict=True)])
