"""Runs and their attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson

from agenciaos_jobs.engine.model.job import Json, Waiting
from agenciaos_jobs.engine.model.run import ClaimedRun, NewRun, QueuedRun, RunError, Status
from agenciaos_jobs.engine.store.idempotency import REQUEST_LIFE, key_digest
from agenciaos_jobs.engine.store.waiting import waiting_as_json
from agenciaos_jobs.foundation.connections.connector import encode_json
from agenciaos_jobs.foundation.database import Connection, Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

POISON_AFTER = 2
"""A run that has crashed this many workers executes in a separate process."""

_NO_LIMIT = 1_000_000


class OwnershipLostError(Exception):
    """This worker no longer owns the attempt: it was canceled, or rescued as lost."""


@dataclass(frozen=True)
class LostRun:
    """A run rescued from a lost worker: requeued, or ended as CRASHED."""

    id: str
    task: str
    priority: int
    will_retry: bool
    worker_id: str | None


def payload_hash(payload: Json) -> str:
    """A hash that is equal for payloads that are equal as JSON, whatever the order of their keys."""
    return sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def insert(executor: Executor, new: Sequence[tuple[str, NewRun]], now: datetime) -> set[str]:
    """Stores runs under the given ids in one statement; returns the ids that were stored.

    A run is skipped if another run holds its idempotency key, or if its request has made a run before. No key may occur
    twice in ``new``.
    """
    rows = [_row(run_id, run, now) for run_id, run in new]
    return {record["id"] for record in await executor.fetch(QUERIES["insert"], encode_json(rows), now)}


def _row(run_id: str, run: NewRun, now: datetime) -> Json:
    due_at = now + run.delay if run.delay else now
    key = run.idempotency_key
    return {
        "id": run_id,
        "task": run.task,
        "status": Status.DELAYED if run.delay else Status.QUEUED,
        "payload": run.payload,
        "agency_id": run.agency_id,
        "source": run.source,
        "tags": run.tags,
        "idempotency_key": run.shown_key or key,
        "key_digest": key_digest(key),
        "payload_hash": payload_hash(run.payload) if key else None,
        "key_expires_at": now + run.idempotency_ttl,
        "request_id": run.request_id,
        "schedule_id": run.schedule_id,
        "replay_of": run.replay_of,
        "traceparent": run.traceparent,
        "parent_id": run.parent_id,
        "priority": run.priority,
        "concurrency_key": run.concurrency_key,
        "concurrency_limit": run.concurrency_limit,
        "max_attempts": run.max_attempts,
        "max_duration": run.max_duration,
        "due_at": due_at,
        "expires_at": due_at + run.ttl if run.ttl is not None else None,
        "queue": run.queue,
        "metadata": run.metadata,
        "batch_id": run.batch_id,
        "is_test": run.is_test,
        "request_digest": key_digest(run.request_key),
        "request_expires_at": now + REQUEST_LIFE if run.request_key else None,
    }


async def claim(
    database: Database, run_ids: list[str], worker_id: str, now: datetime, *, poison_too: bool = False
) -> list[ClaimedRun]:
    """Makes this worker the owner of those runs that are due and unclaimed, each at its next attempt.

    Runs without a free slot for their concurrency key are blocked until a run with that key ends. Poison candidates,
    which have crashed workers, are claimed only with ``poison_too``.
    """
    max_losses = _NO_LIMIT if poison_too else POISON_AFTER - 1
    records = await database.fetch(QUERIES["claim"], run_ids, worker_id, now, max_losses)
    if len(records) < len(run_ids):
        taken = {record["id"] for record in records}
        rest = [run_id for run_id in run_ids if run_id not in taken]
        async with database.transaction() as connection:
            if await connection.fetch(QUERIES["lock_keys"], rest):
                records += await connection.fetch(QUERIES["claim_keyed"], rest, worker_id, now, max_losses)
    return [ClaimedRun(**{**record, "tags": tuple(record["tags"])}) for record in records]


async def block_behind(database: Database, run_ids: list[str], now: datetime) -> list[str]:
    """Blocks the due runs queued behind those of these runs that are blocked, by concurrency key; returns their ids."""
    async with database.transaction() as connection:
        if not await connection.fetch(QUERIES["lock_keys"], run_ids):
            return []
        return [record["id"] for record in await connection.fetch(QUERIES["block_behind"], run_ids, now)]


async def poison_candidates(executor: Executor, run_ids: list[str], now: datetime) -> list[str]:
    """Those of the runs that are due and have crashed :data:`POISON_AFTER` workers."""
    return [record["id"] for record in await executor.fetch(QUERIES["poison_candidates"], run_ids, now, POISON_AFTER)]


async def unblock_next(database: Database, keys: list[str]) -> list[QueuedRun]:
    """Unblocks the next blocked run of each key, once for each time that the key is given.

    Waits for any claim that counted this slot as taken, so that no run is blocked beside a free slot.
    """
    async with database.transaction() as connection:
        await connection.execute(QUERIES["lock_named_keys"], keys)
        return [QueuedRun(**record) for record in await connection.fetch(QUERIES["unblock_next"], keys)]


async def unblock_stuck(executor: Executor) -> list[QueuedRun]:
    """Unblocks runs whose key has a free slot, after the end that freed it went unnoticed."""
    return [QueuedRun(**record) for record in await executor.fetch(QUERIES["unblock_stuck"])]


async def complete(
    executor: Executor, done: Sequence[tuple[ClaimedRun, str]], worker_id: str, now: datetime
) -> set[str]:
    """Completes runs that have no effect, in one statement; returns the ids of those that this worker owned.

    Outputs are JSON text: Postgres would flatten lists in an array of ``jsonb``.
    """
    ids = [run.id for run, _ in done]
    numbers = [run.attempt for run, _ in done]
    outputs = [output for _, output in done]
    return {
        record["run_id"] for record in await executor.fetch(QUERIES["complete"], ids, numbers, worker_id, outputs, now)
    }


async def hold(connection: Connection, run: ClaimedRun, worker_id: str) -> None:
    """Locks the run's row for the transaction, or raises :class:`OwnershipLostError`.

    ``run_changes.interrupt_completion`` finds the transaction by the advisory lock that it holds as well.
    """
    if await connection.fetchrow(QUERIES["hold"], run.id, run.attempt, worker_id) is None:
        raise OwnershipLostError(run.id)


async def finish(
    executor: Executor,
    run: ClaimedRun,
    worker_id: str,
    status: Status,
    now: datetime,
    *,
    output: str | None = None,
    error: RunError | None = None,
) -> None:
    """Ends the run and its attempt, or raises :class:`OwnershipLostError`. ``output`` is JSON text."""
    ended = await executor.fetchval(
        QUERIES["finish"], run.id, run.attempt, worker_id, status, output, error and error.as_json(), now
    )
    if ended is None:
        raise OwnershipLostError(run.id)


async def retry(
    executor: Executor, run: ClaimedRun, worker_id: str, due_at: datetime, error: RunError, now: datetime
) -> None:
    """Ends the attempt and queues the run for ``due_at``, or raises :class:`OwnershipLostError`."""
    if await executor.fetchval(QUERIES["retry"], run.id, run.attempt, worker_id, due_at, error.as_json(), now) is None:
        raise OwnershipLostError(run.id)


async def hand_back(
    executor: Executor, run: ClaimedRun, worker_id: str, now: datetime, due_at: datetime | None = None
) -> None:
    """Requeues the run, due now or at ``due_at``, and does not count this attempt. Raises ``OwnershipLostError``."""
    if await executor.fetchval(QUERIES["hand_back"], run.id, run.attempt, worker_id, due_at or now, now) is None:
        raise OwnershipLostError(run.id)


async def snooze(
    executor: Executor, run: ClaimedRun, worker_id: str, due_at: datetime, now: datetime, waiting: Waiting | None = None
) -> datetime:
    """Requeues the run so that this attempt continues at ``due_at``, or now if it was woken; returns when.

    Raises :class:`OwnershipLostError`.
    """
    waits_for = waiting and waiting_as_json(waiting)
    snoozed = (run.id, run.attempt, worker_id, due_at, now, waits_for)
    due: datetime | None = await executor.fetchval(QUERIES["snooze"], *snoozed)
    if due is None:
        raise OwnershipLostError(run.id)
    return due


async def wake(executor: Executor, run_id: str, now: datetime) -> QueuedRun | None:
    """Makes a snoozed run due now; returns it if it must be enqueued."""
    record = await executor.fetchrow(QUERIES["wake"], run_id, now)
    if record is None or not record["waits"]:
        return None
    return QueuedRun(record["id"], record["task"], record["due_at"], record["priority"])


async def rescue_orphans(executor: Executor, error: RunError, now: datetime, rescuer_id: str) -> list[LostRun]:
    """Ends the attempts of lost workers with ``error``; requeues the runs that have attempts left.

    The rescuing worker is not lost, even if it was frozen and has not renewed its lease yet.
    """
    records = await executor.fetch(QUERIES["rescue_orphans"], now, error.as_json(), rescuer_id)
    return [LostRun(**record) for record in records]


async def waiting(executor: Executor, due_before: datetime, after_id: str, limit: int) -> list[QueuedRun]:
    """A page of due runs in the order of their ids, after ``after_id``."""
    records = await executor.fetch(QUERIES["waiting"], due_before, after_id, limit)
    return [QueuedRun(**record) for record in records]


async def promote_scheduled(executor: Executor, now: datetime) -> None:
    """Turns due DELAYED runs into QUEUED ones."""
    await executor.execute(QUERIES["promote_scheduled"], now)


async def expire(executor: Executor, error: RunError, now: datetime) -> list[tuple[str, str]]:
    """Ends runs that were not started within their time to live; returns their ids and tasks."""
    return [(record["id"], record["task"]) for record in await executor.fetch(QUERIES["expire"], now, error.as_json())]


async def reschedule(executor: Executor, run_id: str, due_at: datetime, now: datetime) -> QueuedRun | None:
    """Changes when a DELAYED run is due; ``None`` if it is not DELAYED."""
    record = await executor.fetchrow(QUERIES["reschedule"], run_id, due_at, now)
    return QueuedRun(run_id, record["task"], due_at, record["priority"]) if record else None
