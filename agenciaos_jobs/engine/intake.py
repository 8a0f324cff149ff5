"""Where runs begin: a row first, then a message."""

from datetime import datetime
from typing import Any

import structlog

from agenciaos_jobs.core.clock import Clock
from agenciaos_jobs.core.job import Job, Json
from agenciaos_jobs.core.run import Accepted, NewRun
from agenciaos_jobs.engine.queue import UNAVAILABLE, Queue
from agenciaos_jobs.storage import runs, schedules
from agenciaos_jobs.storage.database import Database

log = structlog.get_logger("agenciaos_jobs.intake")


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
    return NewRun(job.task, payload, agency_id, job.attempts, job.max_duration, source, **options)


class Intake:
    """Takes runs in. Once :meth:`trigger` has returned, nothing but Postgres can lose the run."""

    def __init__(self, database: Database, queue: Queue, clock: Clock) -> None:
        self._database, self._queue, self._clock = database, queue, clock

    async def trigger(self, new: NewRun) -> Accepted:
        """Stores a run and sends it; with an idempotency key that is in use, answers with the run that has it.

        Raises :class:`KeyConflict` where that run's payload differs.
        """
        while True:
            run_id, now = self._clock.new_id("run"), self._clock.now()
            if await runs.insert(self._database, [(run_id, new)], now):
                await self._send(run_id, new)
                log.info("run_accepted", run_id=run_id, task=new.task, agency_id=new.agency_id, source=new.source)
                return Accepted(run_id)
            assert new.idempotency_key is not None
            if holder := await runs.holder_of_key(self._database, new.task, new.idempotency_key):
                return self._cached(new, *holder)

    async def fire(self, schedule_id: str, slot_run: NewRun, slot: datetime) -> Accepted | None:
        """Makes the one run of a schedule's slot; ``None`` where the slot had its run already."""
        run_id, now = self._clock.new_id("run"), self._clock.now()
        async with self._database.transaction() as connection:
            if not await schedules.take_slot(connection, schedule_id, slot):
                return None
            await runs.insert(connection, [(run_id, slot_run)], now)
        await self._send(run_id, slot_run)
        log.info("schedule_fired", run_id=run_id, task=slot_run.task, schedule_id=schedule_id, slot=slot)
        return Accepted(run_id)

    def _cached(self, new: NewRun, run_id: str, payload_hash: str) -> Accepted:
        if payload_hash != runs.payload_hash(new.payload):
            raise KeyConflict(str(new.idempotency_key), run_id)
        return Accepted(run_id, is_cached=True)

    async def _send(self, run_id: str, new: NewRun) -> None:
        now = self._clock.now()
        try:
            await self._queue.send([(run_id, new.task, now + new.delay if new.delay else now)], now)
        except UNAVAILABLE as error:
            log.warning("queue_unavailable", run_id=run_id, task=new.task, error=type(error).__name__)
