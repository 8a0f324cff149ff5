"""Runs and their attempts."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

import asyncpg
import orjson

from agenciaos_jobs.core.job import Json
from agenciaos_jobs.core.run import ClaimedRun, NewRun, RunError, Status
from agenciaos_jobs.storage.database import Connection, Executor
from agenciaos_jobs.storage.queries import load

QUERIES = load("runs")


class OwnershipLost(Exception):  # noqa: N818
    """The attempt is not this worker's any more: it was canceled, or taken for lost and given to another."""


@dataclass(frozen=True)
class StoredRun:
    """A run as its row tells it."""

    id: str
    task: str
    status: Status
    payload: Json
    output: Json | None
    error: Json | None
    agency_id: str | None
    source: str
    tags: list[str]
    idempotency_key: str | None
    request_id: str | None
    schedule_id: str | None
    attempt: int
    max_attempts: int
    max_duration: int
    worker_id: str | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    delayed_until: datetime | None
    started_at: datetime | None
    attempt_started_at: datetime | None
    finished_at: datetime | None


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
class LostRun:
    """A run taken back from a lost worker; without attempts left it has ended as CRASHED."""

    id: str
    task: str
    has_attempts: bool


@dataclass(frozen=True)
class WaitingRun:
    """A run that is due and waits for a worker."""

    id: str
    task: str
    due_at: datetime


@dataclass(frozen=True)
class Depth:
    """How many runs of a task are due, and since when the oldest is."""

    task: str
    depth: int
    oldest_due_at: datetime


def payload_hash(payload: Json) -> str:
    """The same for payloads that are equal as JSON, whatever the order of their keys."""
    return sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()


def key_digest(key: str | None) -> str | None:
    """What an idempotency key is kept and found by: keys may be longer than an index takes."""
    return None if key is None else sha256(key.encode()).hexdigest()


async def insert(executor: Executor, new: Sequence[tuple[str, NewRun]], now: datetime) -> set[str]:
    """Stores runs under the given ids in one statement; returns the ids that were stored.

    A run is left out when its idempotency key is held by another one that still counts. No key may occur twice here.
    """
    rows = [
        (
            run_id,
            run.task,
            Status.DELAYED if run.delay else Status.QUEUED,
            run.payload,
            run.agency_id,
            run.source,
            orjson.dumps(run.tags).decode(),
            run.idempotency_key,
            key_digest(run.idempotency_key),
            payload_hash(run.payload) if run.idempotency_key else None,
            now + run.idempotency_ttl,
            run.request_id,
            run.schedule_id,
            run.max_attempts,
            run.max_duration,
            now + run.delay if run.delay else now,
        )
        for run_id, run in new
    ]
    stored = await executor.fetch(QUERIES["insert"], *map(list, zip(*rows, strict=True)), now)
    return {record["id"] for record in stored}


async def holder_of_key(executor: Executor, task: str, key: str) -> tuple[str, str] | None:
    """The run that holds an idempotency key, and the hash of its payload."""
    record = await executor.fetchrow(QUERIES["holder_of_key"], task, key_digest(key))
    return (record["run_id"], record["payload_hash"]) if record else None


async def claim(executor: Executor, run_ids: list[str], worker_id: str, now: datetime) -> list[ClaimedRun]:
    """Makes this worker the owner of those runs that are due and free, each at its next attempt."""
    records = await executor.fetch(QUERIES["claim"], run_ids, worker_id, now)
    return [ClaimedRun(**{**record, "tags": tuple(record["tags"])}) for record in records]


async def hold(connection: Connection, run: ClaimedRun, worker_id: str) -> None:
    """Locks the run's row for the transaction; raises :class:`OwnershipLost` where it is not this worker's."""
    if await connection.fetchrow(QUERIES["hold"], run.id, run.attempt, worker_id) is None:
        raise OwnershipLost(run.id)


async def finish(
    executor: Executor,
    run: ClaimedRun,
    worker_id: str,
    status: Status,
    now: datetime,
    *,
    output: Json | None = None,
    error: RunError | None = None,
) -> None:
    """Ends the run and its attempt, or raises :class:`OwnershipLost`."""
    ended = await executor.fetchval(
        QUERIES["finish"], run.id, run.attempt, worker_id, status, output, error and error.as_json(), now
    )
    if ended is None:
        raise OwnershipLost(run.id)


async def retry(
    executor: Executor, run: ClaimedRun, worker_id: str, due_at: datetime, error: RunError, now: datetime
) -> None:
    """Ends the attempt and queues the run for ``due_at``, or raises :class:`OwnershipLost`."""
    if await executor.fetchval(QUERIES["retry"], run.id, run.attempt, worker_id, due_at, error.as_json(), now) is None:
        raise OwnershipLost(run.id)


async def hand_back(executor: Executor, run: ClaimedRun, worker_id: str, now: datetime) -> None:
    """Queues the run again as if this attempt had not been, or raises :class:`OwnershipLost`."""
    if await executor.fetchval(QUERIES["hand_back"], run.id, run.attempt, worker_id, now) is None:
        raise OwnershipLost(run.id)


async def take_back_lost(executor: Executor, error: RunError, now: datetime) -> list[LostRun]:
    """Ends the attempts of workers that are gone, with ``error``; the runs are queued again while attempts are left."""
    return [LostRun(**record) for record in await executor.fetch(QUERIES["take_back_lost"], now, error.as_json())]


async def waiting(executor: Executor, due_before: datetime, after_id: str, limit: int) -> list[WaitingRun]:
    """Runs that are due, in the order of their ids from ``after_id`` on."""
    records = await executor.fetch(QUERIES["waiting"], due_before, after_id, limit)
    return [WaitingRun(**record) for record in records]


async def release_due(executor: Executor, now: datetime) -> None:
    """Turns DELAYED runs whose time has come into QUEUED ones."""
    await executor.execute(QUERIES["release_due"], now)


async def get(executor: Executor, run_id: str) -> StoredRun | None:
    record = await executor.fetchrow(QUERIES["get"], run_id)
    return _stored(record) if record else None


async def attempts(executor: Executor, run_id: str) -> list[Attempt]:
    return [Attempt(**record) for record in await executor.fetch(QUERIES["attempts"], run_id)]


async def newest(
    executor: Executor, *, task: str | None = None, status: str | None = None, agency_id: str | None = None, limit: int
) -> list[StoredRun]:
    """The newest runs first, filtered by what is given."""
    return [_stored(record) for record in await executor.fetch(QUERIES["newest"], task, status, agency_id, limit)]


async def queue_depth(executor: Executor, now: datetime) -> list[Depth]:
    return [Depth(**record) for record in await executor.fetch(QUERIES["queue_depth"], now)]


async def drop_expired_keys(executor: Executor, now: datetime) -> None:
    await executor.execute(QUERIES["drop_expired_keys"], now)


_STORED = [field.name for field in fields(StoredRun)]


def _stored(record: asyncpg.Record) -> StoredRun:
    values: dict[str, Any] = {name: record[name] for name in _STORED}
    return StoredRun(**values | {"status": Status(record["status"])})
