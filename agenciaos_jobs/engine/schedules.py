"""Schedules: which slot is due, and the one run it makes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter

from agenciaos_jobs.core.clock import Clock
from agenciaos_jobs.core.job import Job, Schedule
from agenciaos_jobs.engine.intake import Intake, new_run
from agenciaos_jobs.storage import schedules
from agenciaos_jobs.storage.database import Database


@dataclass(frozen=True)
class Declared:
    """A schedule that a job declares for itself."""

    id: str
    job: Job[Any]
    schedule: Schedule


def declared(jobs: Mapping[str, Job[Any]]) -> Iterator[Declared]:
    """The schedules that the jobs declare."""
    for job in jobs.values():
        if job.schedule:
            yield Declared(f"sched_{job.task}", job, job.schedule)


def last_slot(schedule: Schedule, moment: datetime) -> datetime:
    """The newest slot at or before a moment, in UTC."""
    local = moment.astimezone(ZoneInfo(schedule.timezone))
    slot: datetime = croniter(schedule.cron, local + timedelta(milliseconds=1)).get_prev(datetime)
    return slot.astimezone(UTC)


class Scheduler:
    """Fires declared schedules: in time by arq's cron, and once, late, for a slot that nobody fired."""

    def __init__(self, database: Database, intake: Intake, clock: Clock, jobs: Mapping[str, Job[Any]]) -> None:
        self._database, self._intake, self._clock = database, intake, clock
        self._declared = {item.id: item for item in declared(jobs)}

    async def declare(self) -> None:
        """Makes the schedules known; a new one begins with its next slot."""
        now = self._clock.now()
        for item in self._declared.values():
            slot = last_slot(item.schedule, now)
            await schedules.declare(self._database, item.id, item.job.task, item.schedule, now, slot)

    async def fire(self, schedule_id: str) -> None:
        """Makes the run of the newest slot, unless it was made."""
        item = self._declared[schedule_id]
        slot = last_slot(item.schedule, self._clock.now())
        run = new_run(item.job, {}, source="schedule", schedule_id=schedule_id)
        await self._intake.fire(schedule_id, run, slot)

    async def catch_up(self) -> None:
        """Fires each schedule whose newest slot made no run."""
        now, fired = self._clock.now(), await schedules.last_slots(self._database)
        for item in self._declared.values():
            if item.id in fired and last_slot(item.schedule, now) > fired[item.id]:
                await self.fire(item.id)
