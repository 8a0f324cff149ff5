"""Reads of runs and attempts."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.clock import make_id
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class RunSummary:
    """The fields of a run that lists show."""

    id: str
    task: str
    status: Status
    tags: list[str]
    idempotency_key: str | None
    is_test: bool
    is_snoozed: bool
    resume_requested: bool
    metadata: Json | None
    created_at: datetime
    updated_at: datetime
    delayed_until: datetime | None
    expires_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def ttl(self) -> timedelta | None:
        """The time within which the run must start, from when it is queued."""
        if self.expires_at is None:
            return None
        return self.expires_at - (self.delayed_until or self.created_at)

    @property
    def is_waiting(self) -> bool:
        """Whether the run is snoozed: an attempt has begun and waits for an external event."""
        return self.status is Status.QUEUED and self.is_snoozed and not self.resume_requested


@dataclass(frozen=True)
class StoredRun(RunSummary):
    """A run with all the fields of its row."""

    payload: Json
    output: Json | None
    error: Json | None
    agency_id: str | None
    source: str
    request_id: str | None
    schedule_id: str | None
    replay_of: str | None
    priority: int
    concurrency_key: str | None
    concurrency_limit: int | None
    parked: bool
    attempt: int
    losses: int
    max_attempts: int
    max_duration: int
    worker_id: str | None
    due_at: datetime
    attempt_started_at: datetime | None
    queue: str | None
    batch_id: str | None
    error_group: str | None
    waits_for: Json | None
    waits_since: datetime | None
    parent_id: str | None

    @property
    def waiting_reason(self) -> Text | None:
        """Why the run waits to begin, ``None`` if it does not."""
        if self.status is not Status.QUEUED or self.waits_for is None:
            return None
        return Text(self.waits_for["pt"], self.waits_for["en"])


@dataclass(frozen=True)
class Attempt:
    """An attempt that has ended."""

    run_id: str
    number: int
    status: str
    worker_id: str | None
    started_at: datetime
    finished_at: datetime
    error: Json | None


@dataclass(frozen=True)
class Depth:
    """The number of a task's runs that are due and wait for a worker, and when the oldest became due."""

    task: str
    depth: int
    oldest_due_at: datetime


async def get(executor: Executor, run_id: str) -> StoredRun | None:
    record = await executor.fetchrow(QUERIES["get"], run_id)
    return _stored(record) if record else None


async def attempts(executor: Executor, run_id: str) -> list[Attempt]:
    return [Attempt(**record) for record in await executor.fetch(QUERIES["attempts"], run_id)]


async def newest(
    executor: Executor,
    *,
    task: str | None = None,
    status: str | None = None,
    agency_id: str | None = None,
    tag: str | None = None,
    since: datetime | None = None,
    limit: int,
) -> list[StoredRun]:
    """The newest runs first, filtered by the given values; those created at ``since`` or later."""
    first_id = make_id("run", since, 0) if since else ""
    found = await executor.fetch(QUERIES["newest"], task, status, agency_id, tag, first_id, limit)
    return [_stored(record) for record in found]


async def queue_depth(executor: Executor, now: datetime) -> list[Depth]:
    """By task, the runs that were due at ``now`` and wait for a worker.

    A parked run is not among them: no worker may take it until another run with its concurrency key has ended.
    """
    return [Depth(**record) for record in await executor.fetch(QUERIES["queue_depth"], now)]


_STORED = [field.name for field in fields(StoredRun)]


def _stored(record: asyncpg.Record) -> StoredRun:
    values: dict[str, Any] = {name: record[name] for name in _STORED}
    return StoredRun(**values | {"status": Status(record["status"])})
