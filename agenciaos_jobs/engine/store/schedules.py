"""Schedules and the slots that they have fired."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import asyncpg

from agenciaos_jobs.engine.model.job import Schedule
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class StoredSchedule:
    """A schedule's row. ``type`` is DECLARATIVE for a job's own schedule and IMPERATIVE for one made over the API."""

    id: str
    type: str
    task: str
    active: bool
    cron: str
    timezone: str
    external_id: str | None
    deduplication_key: str | None
    created_at: datetime
    last_slot: datetime
    next_slot: datetime | None
    fired_slot: datetime | None

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.cron, self.timezone)

    @property
    def is_declared(self) -> bool:
        return self.type == "DECLARATIVE"


@dataclass(frozen=True)
class Slots:
    """The newest slot at or before a moment, and the first one after it."""

    last: datetime
    next: datetime


@dataclass(frozen=True)
class Wanted:
    """The requested definition of a schedule."""

    task: str
    schedule: Schedule
    external_id: str | None = None


async def declare(
    executor: Executor,
    schedule_id: str,
    task: str,
    schedule: Schedule,
    now: datetime,
    slots: Slots,
    next_if_known: datetime,
) -> None:
    """Stores a declared schedule. A new or changed one begins after ``slots.last``.

    ``next_if_known`` is the next slot for an unchanged row without one, as older releases stored.
    """
    cron, timezone = schedule.cron, schedule.timezone
    await executor.execute(
        QUERIES["declare"], schedule_id, task, cron, timezone, now, slots.last, slots.next, next_if_known
    )


async def save(
    executor: Executor, schedule_id: str, wanted: Wanted, deduplication_key: str, now: datetime, slots: Slots
) -> StoredSchedule:
    """Creates a schedule, or updates the one with the deduplication key."""
    record = await executor.fetchrow(
        QUERIES["save"], schedule_id, *_values(wanted), deduplication_key, now, slots.last, slots.next
    )
    assert record
    return _stored(record)


async def update(
    executor: Executor, schedule_id: str, wanted: Wanted, now: datetime, slots: Slots
) -> StoredSchedule | None:
    """Updates a schedule that was made over the API; ``None`` if there is none."""
    record = await executor.fetchrow(QUERIES["update"], schedule_id, *_values(wanted), now, slots.last, slots.next)
    return _stored(record) if record else None


async def activate(executor: Executor, schedule_id: str, now: datetime, slots: Slots) -> None:
    """Activates an inactive schedule, which resumes after ``slots.last``."""
    await executor.execute(QUERIES["activate"], schedule_id, now, slots.last, slots.next)


async def deactivate(executor: Executor, schedule_id: str, now: datetime) -> None:
    await executor.execute(QUERIES["deactivate"], schedule_id, now)


async def delete(executor: Executor, schedule_id: str) -> None:
    await executor.execute(QUERIES["delete"], schedule_id)


async def get(executor: Executor, schedule_id: str) -> StoredSchedule | None:
    record = await executor.fetchrow(QUERIES["get"], schedule_id)
    return _stored(record) if record else None


async def page(executor: Executor, size: int, number: int) -> list[StoredSchedule]:
    """A page of schedules, newest first; pages are numbered from 1."""
    return [_stored(record) for record in await executor.fetch(QUERIES["list"], size, size * (number - 1))]


async def count(executor: Executor) -> int:
    return int(await executor.fetchval(QUERIES["count"]))


async def due(executor: Executor, now: datetime) -> list[StoredSchedule]:
    """Active schedules with a due slot, the most overdue first."""
    return [_stored(record) for record in await executor.fetch(QUERIES["due"], now)]


async def ahead(executor: Executor, moment: datetime) -> list[StoredSchedule]:
    """Schedules whose slots are taken beyond a moment, which only a clock that was ahead of it has done."""
    return [_stored(record) for record in await executor.fetch(QUERIES["ahead"], moment)]


async def correct(executor: Executor, corrections: Sequence[tuple[StoredSchedule, Slots]]) -> set[str]:
    """Has schedules of :func:`ahead` continue with these slots; returns the ids of those that had not changed since."""
    columns = [(read.id, read.last_slot, slots.last, slots.next) for read, slots in corrections]
    return {record["id"] for record in await executor.fetch(QUERIES["correct"], *zip(*columns, strict=True))}


async def take_slot(executor: Executor, read: StoredSchedule, slots: Slots) -> bool:
    """Claims slot ``slots.last`` and advances the schedule to ``slots.next``; whether the caller makes the run.

    True once for a slot, never for an older slot afterwards, and not if the schedule has changed since it was read. A
    slot that fired before its time, while the clock was ahead, is taken as well.
    """
    taken = await executor.fetchval(
        QUERIES["take_slot"], read.id, read.cron, read.timezone, read.next_slot, slots.last, slots.next
    )
    return bool(taken)


_COLUMNS = [field.name for field in fields(StoredSchedule)]


def _stored(record: asyncpg.Record) -> StoredSchedule:
    return StoredSchedule(**{name: record[name] for name in _COLUMNS})


def _values(wanted: Wanted) -> tuple[str, str, str, str | None]:
    return wanted.task, wanted.schedule.cron, wanted.schedule.timezone, wanted.external_id
