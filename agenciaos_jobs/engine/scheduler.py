"""The scheduler: fires due slots, with exactly one run each."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.cron import first_upcoming, last_slot, next_slot
from agenciaos_jobs.engine.model.job import Job, Json, Schedule
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.engine.store import schedules
from agenciaos_jobs.engine.store.schedules import Slots, StoredSchedule
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.schedules")

INTERVAL = timedelta(seconds=1)

_UPCOMING_COUNT = 5

_CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far a taken slot may be ahead: workers' clocks differ a little, and within a minute there is one slot at most."""

EarlySlotsHook = Callable[[Connection, Sequence[StoredSchedule]], Awaitable[None]]
"""``async (connection, schedules)``: called in the transaction that corrects schedules after the clock was ahead.

The slots up to the ``last_slot`` of each were taken before their time.
"""


async def _ignore_early_slots(_connection: Connection, _schedules: Sequence[StoredSchedule]) -> None:
    """The default: does nothing."""


@dataclass(frozen=True)
class Declared:
    """A schedule that a job declares in its code."""

    id: str
    job: Job[Any]
    schedule: Schedule


def declared(jobs: Mapping[str, Job[Any]]) -> Iterator[Declared]:
    """The schedules that jobs declare."""
    for job in jobs.values():
        if job.schedule:
            yield Declared(f"sched_{job.task}", job, job.schedule)


def slots_at(schedule: Schedule, moment: datetime) -> Slots:
    """The newest and the next slot at a moment."""
    return Slots(last_slot(schedule, moment), next_slot(schedule, moment))


def payload_of(stored: StoredSchedule, slot: datetime) -> Json:
    """The payload of a scheduled run, in the form that Trigger.dev's scheduled tasks read; times are in UTC."""
    known = {
        "scheduleId": stored.id,
        "type": stored.type,
        "timestamp": _iso(slot),
        "lastTimestamp": _iso(stored.fired_slot) if stored.fired_slot else None,
        "externalId": stored.external_id,
        "timezone": stored.timezone,
        "upcoming": [_iso(moment) for moment in first_upcoming(stored.schedule, slot, _UPCOMING_COUNT)],
    }
    return {name: value for name, value in known.items() if value is not None}


class Scheduler:
    """Fires due schedules within a second of their slots. A slot makes one run, however many workers fire it."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        on_early_slots: EarlySlotsHook = _ignore_early_slots,
    ) -> None:
        self._database, self._intake, self._clock, self._jobs = database, intake, clock, jobs
        self._on_early_slots = on_early_slots
        self._declared = {item.id: item for item in declared(jobs)}

    async def declare(self) -> None:
        """Stores the declared schedules; a new one begins with its next slot."""
        now = self._clock.now()
        for item in self._declared.values():
            slots, stored = slots_at(item.schedule, now), await schedules.get(self._database, item.id)
            following = next_slot(item.schedule, stored.last_slot) if stored else slots.next
            await schedules.declare(self._database, item.id, item.job.task, item.schedule, now, slots, following)

    async def fire_due(self) -> None:
        """Fires the newest slot of each schedule that has slots without a run."""
        try:
            await self._correct_early()
            for stored in await schedules.due(self._database, self._clock.now()):
                await self._fire(stored)
        except DatabaseUnavailableError as error:
            log.warning("schedules_interrupted", error=str(error))

    async def _correct_early(self) -> None:
        """Resets schedules to the present if their slots were taken by a clock that was ahead and has come back.

        Otherwise they would fire nothing until the clock is there again. A slot that made its run too early makes no
        second one, and slots that passed while the clock was ahead are not caught up.
        """
        now = self._clock.now()
        early = await schedules.ahead(self._database, now + _CLOCK_TOLERANCE)
        corrections = [(stored, slots) for stored in early if (slots := _slots_of(stored, now))]
        if not corrections:
            return
        async with self._database.transaction() as connection:
            corrected = await schedules.correct(connection, corrections)
            corrections = [(stored, slots) for stored, slots in corrections if stored.id in corrected]
            await self._on_early_slots(connection, [stored for stored, _ in corrections])
        for stored, slots in corrections:
            log.warning("schedule_was_early", schedule_id=stored.id, taken_until=stored.last_slot, next_slot=slots.next)

    async def fire(self, schedule_id: str) -> None:
        """Fires one schedule if it is due."""
        stored, now = await schedules.get(self._database, schedule_id), self._clock.now()
        if stored and stored.active and stored.next_slot and stored.next_slot <= now:
            await self._fire(stored)

    async def _fire(self, stored: StoredSchedule) -> None:
        job = self._jobs.get(stored.task)
        if job is None or (stored.is_declared and stored.id not in self._declared):
            return  # a worker of another release fires it
        slots = _slots_of(stored, self._clock.now())
        if slots is None:
            return
        if job.hooks.is_needed and not await job.hooks.is_needed(self._database, self._clock.now()):
            await schedules.take_slot(self._database, stored, slots)
            return
        await self._intake.fire(stored, slots, _run_of(job, stored, slots.last))


def _slots_of(stored: StoredSchedule, moment: datetime) -> Slots | None:
    """The newest and the next slot at a moment; ``None`` if the schedule was edited by hand, or its zone is gone."""
    try:
        return slots_at(stored.schedule, moment)
    except (ValueError, KeyError) as error:
        log.error("schedule_unreadable", schedule_id=stored.id, error=str(error))
        return None


def _run_of(job: Job[Any], stored: StoredSchedule, slot: datetime) -> NewRun:
    payload = {} if stored.is_declared else payload_of(stored, slot)
    try:
        return new_run(job, payload, source="schedule", schedule_id=stored.id)
    except ValidationError:
        # The job's payload has changed since. The run is made anyway, so that its failure shows the reason.
        log.warning("schedule_does_not_fit", schedule_id=stored.id, task=job.task)
        return NewRun(
            task=job.task,
            payload=payload,
            agency_id=None,
            max_attempts=1,
            max_duration=job.limits.max_duration,
            source="schedule",
            schedule_id=stored.id,
        )


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
