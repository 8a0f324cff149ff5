"""Where runs begin: a row first, then a message."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from agenciaos_jobs.alerts.alert import Event, Kind
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.model.job import Job, Json
from agenciaos_jobs.engine.model.run import Accepted, NewRun, QueuedRun
from agenciaos_jobs.engine.queue import UNAVAILABLE, Queue
from agenciaos_jobs.engine.store import idempotency, runs, schedules
from agenciaos_jobs.engine.store.idempotency import Holder
from agenciaos_jobs.engine.store.schedules import Slots, StoredSchedule
from agenciaos_jobs.foundation import traceparent
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailable
from agenciaos_jobs.foundation.group_commit import Batch

log = structlog.get_logger("agenciaos_jobs.intake")


_AT_ONCE = 500


class KeyConflict(Exception):  # noqa: N818
    """The idempotency key belongs to a run of the same task with another payload."""

    def __init__(self, key: str, run_id: str) -> None:
        super().__init__(f"idempotency key is in use by {run_id} with another payload")
        self.key, self.run_id = key, run_id


def new_run(job: Job[Any], payload: Json, *, source: str, **options: Any) -> NewRun:
    """A run of ``job`` with the job's own limits; ``options`` are :class:`NewRun`'s others.

    Raises pydantic's ``ValidationError`` where the payload is not what the job takes.
    """
    agency_id = job.agency(job.payload.model_validate(payload))
    fields: Json = {
        "max_attempts": job.attempts,
        "max_duration": job.max_duration,
        "priority": job.priority,
        "traceparent": traceparent.CURRENT.get(),
        "concurrency_key": agency_key(job.task, agency_id) if job.limited_by_agency and agency_id else None,
    }
    for name, value in options.items():
        if value is not None:
            fields[name] = value
    return NewRun(task=job.task, payload=payload, agency_id=agency_id, source=source, **fields)


def agency_key(task: str, agency_id: str | None) -> str:
    """The concurrency key of a job that is limited by agency."""
    return f"{task}:{agency_id}"


class Sender:
    """Sends runs that are stored. A message that gets lost is the sweeper's to send again."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self._queue, self._clock = queue, clock
        self._waiting: list[QueuedRun] = []
        self._writer: asyncio.Task[None] | None = None

    def send(self, *runs: QueuedRun) -> None:
        """Sends runs without letting anybody wait for Redis; what comes while a write is under way goes together."""
        self._waiting += runs
        if self._waiting and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._waiting:
            runs, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            try:
                await self._queue.send(runs, self._clock.now())
            except UNAVAILABLE as error:
                log.warning("queue_unavailable", runs=len(runs), error=type(error).__name__)

    async def flush(self) -> None:
        """Waits until what was sent has been written."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])


class Intake:
    """Takes runs in. Once :meth:`trigger` has returned, nothing but Postgres can lose the run."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        clock: Clock,
        agency_concurrency: int,
        late_after: timedelta = timedelta(minutes=5),
    ) -> None:
        self._database, self._sender, self._clock = database, sender, clock
        self._agency_concurrency, self._late_after = agency_concurrency, late_after
        self._batch: Batch[tuple[str, NewRun], bool] = Batch(self._store, passing=(DatabaseUnavailable,))

    async def trigger(self, new: NewRun) -> Accepted:
        """Stores a run and sends it; with a key that is in use, answers with the run that has it.

        Raises :class:`KeyConflict` where that run's payload differs.
        """
        while True:
            run_id = self._clock.new_id("run")
            new = self.limited(new)
            if await self._batch.submit((run_id, new)):
                return Accepted(run_id)
            if accepted := await self._accepted_before(new):
                return accepted

    async def _accepted_before(self, new: NewRun) -> Accepted | None:
        """What this request, or another one with its key, has made; ``None`` where that is gone by now."""
        requested = await idempotency.run_of_request(self._database, new.request_key) if new.request_key else None
        if requested and requested.is_stored:
            return Accepted(requested.run_id)
        if new.idempotency_key and (holder := await idempotency.holder(self._database, new.task, new.idempotency_key)):
            if new.request_key:
                await idempotency.settle_request(self._database, new.request_key, holder.run_id)
            return self._cached(new, holder)
        if requested and new.request_key:
            await idempotency.forget_request(self._database, new.request_key, requested.run_id)
        return None

    async def fire(self, stored: StoredSchedule, slots: Slots, slot_run: NewRun) -> Accepted | None:
        """Makes the one run of a schedule's newest slot; ``None`` where the slot had its run already."""
        run_id, now = self._clock.new_id("run"), self._clock.now()
        async with self._database.transaction() as connection:
            if not await schedules.take_slot(connection, stored, slots):
                return None
            await runs.insert(connection, [(run_id, self.limited(slot_run))], now)
            missed = stored.next_slot or slots.last
            if now - missed > self._late_after:
                details = {"slot": missed.isoformat(), "seconds": round((now - missed).total_seconds())}
                late = Event(Kind.SCHEDULE_MISSED, stored.id, slot_run.task, details)
                await alerts.add(connection, [late], self._clock)
        self.send(run_id, slot_run, now)
        log.info("schedule_fired", run_id=run_id, task=slot_run.task, schedule_id=stored.id, slot=slots.last)
        return Accepted(run_id)

    def limited(self, new: NewRun) -> NewRun:
        """The run with the limit that is in force for its concurrency key, if it has one."""
        if new.concurrency_key is None or new.concurrency_limit is not None:
            return new
        return new._replace(concurrency_limit=self._agency_concurrency)

    async def _store(self, new: list[tuple[str, NewRun]]) -> list[bool]:
        """One INSERT for all; of several with one key the first is tried, and the others find it stored."""
        firsts = first_of_each(new)
        now = self._clock.now()
        stored = await runs.insert(self._database, firsts, now)
        self._sender.send(*[_queued(run_id, run, now) for run_id, run in firsts if run_id in stored])
        return [run_id in stored for run_id, _ in new]

    def send(self, run_id: str, new: NewRun, now: datetime) -> None:
        """Sends a run that was stored at ``now``."""
        self._sender.send(_queued(run_id, new, now))

    def _cached(self, new: NewRun, holder: Holder) -> Accepted:
        if holder.payload_hash != runs.payload_hash(new.payload):
            raise KeyConflict(str(new.idempotency_key), holder.run_id)
        return Accepted(holder.run_id, is_cached=True)


def _queued(run_id: str, new: NewRun, now: datetime) -> QueuedRun:
    return QueuedRun(run_id, new.task, now + new.delay if new.delay else now, new.priority)


def first_of_each(new: Sequence[tuple[str, NewRun]]) -> list[tuple[str, NewRun]]:
    """The runs without those whose key an earlier one of them has."""
    firsts: dict[object, tuple[str, NewRun]] = {}
    for pair in new:
        run_id, run = pair
        key = (run.task, run.idempotency_key) if run.idempotency_key else run.request_key or run_id
        firsts.setdefault(key, pair)
    return list(firsts.values())
