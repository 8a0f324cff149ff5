"""Schedules that are made, changed and ended over the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.scheduler import payload_of, slots_at
from agenciaos_jobs.engine.store import schedules
from agenciaos_jobs.engine.store.schedules import StoredSchedule, Wanted
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database

log = structlog.get_logger("agenciaos_jobs.timetable")


class UnknownSchedule(Exception):  # noqa: N818
    """There is no schedule with this id."""


class DeclaredByJob(Exception):  # noqa: N818
    """The schedule stands in a job's own code, and is changed there."""


class ScheduleAdmin:
    """Acts on stored schedules. Those that jobs declare can be read, and nothing else."""

    def __init__(self, database: Database, clock: Clock, jobs: Mapping[str, Job[Any]]) -> None:
        self._database, self._clock, self._jobs = database, clock, jobs

    async def create(self, wanted: Wanted, deduplication_key: str) -> StoredSchedule:
        """A new schedule, or the one that has the key, changed.

        Raises pydantic's ``ValidationError`` where the task takes more than a schedule gives.
        """
        now = self._clock.now()
        self._check(wanted, now)
        schedule_id, slots = self._clock.new_id("sched"), slots_at(wanted.schedule, now)
        stored = await schedules.save(self._database, schedule_id, wanted, deduplication_key, now, slots)
        log.info("schedule_saved", schedule_id=stored.id, task=stored.task, cron=stored.cron, timezone=stored.timezone)
        return stored

    async def update(self, schedule_id: str, wanted: Wanted) -> StoredSchedule:
        """Raises :class:`UnknownSchedule`, :class:`DeclaredByJob` or pydantic's ``ValidationError``."""
        await self._own(schedule_id)
        now = self._clock.now()
        self._check(wanted, now)
        slots = slots_at(wanted.schedule, now)
        stored = await schedules.update(self._database, schedule_id, wanted, now, slots)
        if stored is None:
            raise UnknownSchedule(schedule_id)
        return stored

    async def activate(self, schedule_id: str) -> StoredSchedule:
        """Goes on with the next slot. Raises :class:`UnknownSchedule` or :class:`DeclaredByJob`."""
        stored, now = await self._own(schedule_id), self._clock.now()
        await schedules.activate(self._database, schedule_id, now, slots_at(stored.schedule, now))
        return await self.get(schedule_id)

    async def deactivate(self, schedule_id: str) -> StoredSchedule:
        """Makes no more runs until it is activated. Raises :class:`UnknownSchedule` or :class:`DeclaredByJob`."""
        await self._own(schedule_id)
        await schedules.deactivate(self._database, schedule_id, self._clock.now())
        return await self.get(schedule_id)

    async def delete(self, schedule_id: str) -> None:
        """Raises :class:`UnknownSchedule` or :class:`DeclaredByJob`."""
        await self._own(schedule_id)
        await schedules.delete(self._database, schedule_id)
        log.info("schedule_deleted", schedule_id=schedule_id)

    async def get(self, schedule_id: str) -> StoredSchedule:
        """Raises :class:`UnknownSchedule`."""
        stored = await schedules.get(self._database, schedule_id) if "\0" not in schedule_id else None
        if stored is None:
            raise UnknownSchedule(schedule_id)
        return stored

    async def _own(self, schedule_id: str) -> StoredSchedule:
        stored = await self.get(schedule_id)
        if stored.is_declared:
            raise DeclaredByJob(schedule_id)
        return stored

    def _check(self, wanted: Wanted, now: datetime) -> None:
        """Tries the payload that the schedule's runs will have on the job."""
        slots = slots_at(wanted.schedule, now)
        trial = StoredSchedule(
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
        self._jobs[wanted.task].payload.model_validate(payload_of(trial, slots.next))
