"""The intake: stores a run first, then enqueues it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from agenciaos_jobs.engine.model.job import Job, Json
from agenciaos_jobs.engine.model.metadata import require_acceptable
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import NewRun, QueuedRun, TriggerResult
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.store import idempotency, runs, schedules
from agenciaos_jobs.engine.store.idempotency import Holder
from agenciaos_jobs.engine.store.schedules import Slots, StoredSchedule
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError, Executor
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.group_commit import GroupCommit
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.json_input import require_storable

log = structlog.get_logger("agenciaos_jobs.intake")


class KeyConflictError(DomainError):
    """The idempotency key belongs to a run of the same task with a different payload."""

    status = 409
    text = Text("A idempotencyKey já foi usada com outro payload", "The idempotencyKey is in use with another payload")

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id, extra={"jobId": run_id})
        self.run_id = run_id


class UnknownJobError(DomainError):
    """No job has this task."""

    status = 422

    def __init__(self, task: str) -> None:
        self.text = Text(
            f"A tarefa {task} não existe mais; a execução não pode ser repetida",
            f"There is no task {task} any more; the run can't be replayed",
        )
        super().__init__()


LateSlotHook = Callable[[Connection, StoredSchedule, datetime], Awaitable[None]]
"""``async (connection, schedule, slot)``: called in the transaction that makes a scheduled run.

``slot`` is the oldest slot that was due, which shows how late the run is.
"""


Condition = Callable[[Connection], Awaitable[None]]
"""``async (connection)``: called in the transaction of a trigger, before its run is stored. Raises to refuse it.

What it writes commits with the run, or with the finding of one that holds the idempotency key, and otherwise not.
"""


async def _ignore_late_slot(_connection: Connection, _schedule: StoredSchedule, _slot: datetime) -> None:
    """The default: does nothing."""


class Intake:
    """Accepts runs. Once :meth:`trigger` has returned, the run is stored and as durable as Postgres."""

    def __init__(
        self,
        database: Database,
        outbox: RedisOutbox,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        agency_concurrency: int,
        on_late_slot: LateSlotHook = _ignore_late_slot,
    ) -> None:
        self._database, self._outbox, self._clock, self._jobs = database, outbox, clock, jobs
        self._agency_concurrency, self._on_late_slot = agency_concurrency, on_late_slot
        self._inserts: GroupCommit[tuple[str, NewRun], bool] = GroupCommit(
            self._store, not_retried=(DatabaseUnavailableError,)
        )

    async def trigger(self, new: NewRun, *, condition: Condition | None = None) -> TriggerResult:
        """Stores and enqueues a run, or returns the existing run that holds its idempotency key.

        Raises :class:`KeyConflictError` if the existing run's payload differs.
        """
        new = self.with_limit(new)
        if condition:
            return await self._trigger_on(condition, new)
        while True:
            run_id = self._clock.new_id("run")
            if await self._inserts.submit((run_id, new)):
                return TriggerResult(run_id)
            if existing := await self.existing(self._database, new):
                return existing

    async def _trigger_on(self, condition: Condition, new: NewRun) -> TriggerResult:
        """Like :meth:`trigger`, in a transaction of its own: runs of a group commit share theirs."""
        async with self._database.transaction() as connection:
            await condition(connection)
            while True:
                run_id, now = self._clock.new_id("run"), self._clock.now()
                if await runs.insert(connection, [(run_id, new)], now):
                    self._database.after_commit(connection, partial(self.send, run_id, new, now))
                    return TriggerResult(run_id)
                if existing := await self.existing(connection, new):
                    return existing

    async def existing(self, executor: Executor, new: NewRun) -> TriggerResult | None:
        """The run that this request, or another one with the same key, made; ``None`` if that has expired meanwhile."""
        requested = await idempotency.run_of_request(executor, new.request_key) if new.request_key else None
        if requested and requested.is_stored:
            return TriggerResult(requested.run_id)
        if new.idempotency_key and (holder := await idempotency.holder(executor, new.task, new.idempotency_key)):
            if new.request_key:
                await idempotency.set_request_run(executor, new.request_key, holder.run_id)
            return _cached(new, holder)
        if requested and new.request_key:
            await idempotency.delete_request(executor, new.request_key, requested.run_id)
        return None

    async def trigger_in(
        self, connection: Connection, task: str, payload: Json, *, source: str, **options: Any
    ) -> TriggerResult:
        """Triggers a run in the caller's transaction: see :meth:`RunContext.trigger_in`."""
        return (await self.trigger_all_in(connection, task, [(payload, {})], source=source, **options))[0]

    async def trigger_all_in(
        self, connection: Connection, task: str, items: Iterable[tuple[Json, Json]], *, source: str, **options: Any
    ) -> list[TriggerResult]:
        """Triggers many runs of one task in one statement; ``items`` are payloads, each with its own options."""
        job = self._jobs.get(task)
        if job is None:
            raise UnknownJobError(task)
        new = [
            (self._clock.new_id("run"), self.with_limit(checked_run(job, payload, source=source, **options | own)))
            for payload, own in items
        ]
        results, queued = await store_in(connection, new, self._clock.now())
        self._database.after_commit(
            connection, partial(self._outbox.send, *queued)
        )  # otherwise the rescuer enqueues them
        return results

    async def fire(self, stored: StoredSchedule, slots: Slots, slot_run: NewRun) -> TriggerResult | None:
        """Makes the run of a schedule's newest slot; ``None`` if another caller made it."""
        run_id, now = self._clock.new_id("run"), self._clock.now()
        async with self._database.transaction() as connection:
            if not await schedules.take_slot(connection, stored, slots):
                return None
            await runs.insert(connection, [(run_id, self.with_limit(slot_run))], now)
            await self._on_late_slot(connection, stored, stored.next_slot or slots.last)
        self.send(run_id, slot_run, now)
        log.info("schedule_fired", run_id=run_id, task=slot_run.task, schedule_id=stored.id, slot=slots.last)
        return TriggerResult(run_id)

    def with_limit(self, new: NewRun) -> NewRun:
        """The run with the default limit for its concurrency key, unless it has no key or its own limit."""
        return with_default_limit(new, self._agency_concurrency)

    async def _store(self, new: list[tuple[str, NewRun]]) -> list[bool]:
        """Inserts runs with one statement. Of several with one key only the first is inserted; the others find it."""
        firsts = first_of_each(new)
        now = self._clock.now()
        stored = await runs.insert(self._database, firsts, now)
        self._outbox.send(*[_queued(run_id, run, now) for run_id, run in firsts if run_id in stored])
        return [run_id in stored for run_id, _ in new]

    def send(self, run_id: str, new: NewRun, now: datetime) -> None:
        """Enqueues a run that was stored at ``now``, through the outbox."""
        self._outbox.send(_queued(run_id, new, now))


async def store_in(
    connection: Connection, new: list[tuple[str, NewRun]], now: datetime
) -> tuple[list[TriggerResult], list[QueuedRun]]:
    """Stores runs in the connection's transaction; returns a result for each, and what to enqueue once it commits."""
    firsts = first_of_each(new)
    stored = await runs.insert(connection, firsts, now) if firsts else set()
    taken_keys = [
        (run.task, run.idempotency_key) for run_id, run in new if run_id not in stored and run.idempotency_key
    ]
    holders = await idempotency.holders(connection, taken_keys) if taken_keys else {}
    results = [
        TriggerResult(run_id)
        if run_id in stored or not run.idempotency_key
        else _cached(run, holders[run.task, run.idempotency_key])
        for run_id, run in new
    ]
    return results, [_queued(run_id, run, now) for run_id, run in firsts if run_id in stored]


def with_default_limit(new: NewRun, limit: int) -> NewRun:
    """The run, with ``limit`` for its concurrency key unless it has no key or its own limit."""
    if new.concurrency_key is None or new.concurrency_limit is not None:
        return new
    return new._replace(concurrency_limit=limit)


def _cached(new: NewRun, holder: Holder) -> TriggerResult:
    if holder.payload_hash != runs.payload_hash(new.payload):
        raise KeyConflictError(holder.run_id)
    return TriggerResult(holder.run_id, is_cached=True)


def checked_run(job: Job[Any], payload: Json, **options: Any) -> NewRun:
    """A run that a job's code triggers. Checked here, because a statement that fails would end its transaction."""
    require_storable(payload, "payload")
    if options.get("metadata") is not None:
        require_acceptable(options["metadata"], "metadata")
    require_storable([options.get("tags"), options.get("idempotency_key")], "options")
    return new_run(job, payload, **options)


def _queued(run_id: str, new: NewRun, now: datetime) -> QueuedRun:
    return QueuedRun(run_id, new.task, now + new.delay if new.delay else now, new.priority)


def first_of_each(new: Sequence[tuple[str, NewRun]]) -> list[tuple[str, NewRun]]:
    """The runs, less those with the key of an earlier one."""
    firsts: dict[object, tuple[str, NewRun]] = {}
    for pair in new:
        run_id, run = pair
        key = (run.task, run.idempotency_key) if run.idempotency_key else run.request_key or run_id
        firsts.setdefault(key, pair)
    return list(firsts.values())
