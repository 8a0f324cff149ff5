"""Administration of schedules over the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError

from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.scheduler import payload_of, slots_at
from agenciaos_jobs.engine.store import schedules
from agenciaos_jobs.engine.store.schedules import StoredSchedule, Wanted
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.errors import DomainError, InvalidFieldsError, WrongField
from agenciaos_jobs.foundation.i18n.text import Text

log = structlog.get_logger("agenciaos_jobs.timetable")


class UnknownScheduleError(DomainError):
    """There is no schedule with this id."""

    status = 404
    text = Text("Agendamento não encontrado", "Schedule not found")


class DeclaredByJobError(DomainError):
    """The schedule is declared in a job's code and can only be changed there."""

    status = 409
    text = Text(
        "Este agendamento é declarado pelo próprio job; muda-se no código dele",
        "This schedule is declared by the job itself; it is changed in its code",
    )


class UnschedulableError(InvalidFieldsError):
    """The job's payload needs fields that a schedule does not provide."""

    def __init__(self, error: ValidationError) -> None:
        needed = ", ".join(".".join(map(str, problem["loc"])) or problem["msg"] for problem in error.errors())
        message = f"can't be scheduled: its payload needs {needed}"
        super().__init__(message, fields=[WrongField(("task",), "unschedulable", message, {"needed": needed})])


class ScheduleAdmin:
    """Creates and changes stored schedules. Declared schedules are read-only."""

    def __init__(self, database: Database, clock: Clock, jobs: Mapping[str, Job[Any]]) -> None:
        self._database, self._clock, self._jobs = database, clock, jobs

    async def create(self, wanted: Wanted, deduplication_key: str) -> StoredSchedule:
        """Creates a schedule, or updates the one with the key. Raises :class:`UnschedulableError`."""
        now = self._clock.now()
        self._check(wanted, now)
        schedule_id, slots = self._clock.new_id("sched"), slots_at(wanted.schedule, now)
        stored = await schedules.save(self._database, schedule_id, wanted, deduplication_key, now, slots)
        log.info("schedule_saved", schedule_id=stored.id, task=stored.task, cron=stored.cron, timezone=stored.timezone)
        return stored

    async def update(self, schedule_id: str, wanted: Wanted) -> StoredSchedule:
        """Raises :class:`UnknownScheduleError`, :class:`DeclaredByJobError` or :class:`UnschedulableError`."""
        await self._require_imperative(schedule_id)
        now = self._clock.now()
        self._check(wanted, now)
        slots = slots_at(wanted.schedule, now)
        stored = await schedules.update(self._database, schedule_id, wanted, now, slots)
        if stored is None:
            raise UnknownScheduleError(schedule_id)
        return stored

    async def activate(self, schedule_id: str) -> StoredSchedule:
        """Resumes with the next slot. Raises :class:`UnknownScheduleError` or :class:`DeclaredByJobError`."""
        stored, now = await self._require_imperative(schedule_id), self._clock.now()
        await schedules.activate(self._database, schedule_id, now, slots_at(stored.schedule, now))
        return await self.get(schedule_id)

    async def deactivate(self, schedule_id: str) -> StoredSchedule:
        """Pauses the schedule until it is activated.

        Raises :class:`UnknownScheduleError` or :class:`DeclaredByJobError`.
        """
        await self._require_imperative(schedule_id)
        await schedules.deactivate(self._database, schedule_id, self._clock.now())
        return await self.get(schedule_id)

    async def delete(self, schedule_id: str) -> None:
        """Raises :class:`UnknownScheduleError` or :class:`DeclaredByJobError`."""
        await self._require_imperative(schedule_id)
        await schedules.delete(self._database, schedule_id)
        log.info("schedule_deleted", schedule_id=schedule_id)

    async def get(self, schedule_id: str) -> StoredSchedule:
        """Raises :class:`UnknownScheduleError`."""
        stored = await schedules.get(self._database, schedule_id)
        if stored is None:
            raise UnknownScheduleError(schedule_id)
        return stored

    async def _require_imperative(self, schedule_id: str) -> StoredSchedule:
        stored = await self.get(schedule_id)
        if stored.is_declared:
            raise DeclaredByJobError(schedule_id)
        return stored

    def _check(self, wanted: Wanted, now: datetime) -> None:
        """Validates a sample of the payload that the schedule's runs will have."""
        slots = slots_at(wanted.schedule, now)
        sample = StoredSchedule(
            id="sched_",
            type="IMPERATIVE",
            task=wanted.task,
            active=True,
            cron=wanted.schedule.cron,
            timezone=wanted.schedule.timezone,
            external_id=wanted.external_id,
            deduplication_key=None,
            created_at=now,
            last_slot=slots.last,
            next_slot=slots.next,
            fired_slot=slots.last,
        )
        try:
            self._jobs[wanted.task].payload.model_validate(payload_of(sample, slots.next))
        except ValidationError as error:
            raise UnschedulableError(error) from None
