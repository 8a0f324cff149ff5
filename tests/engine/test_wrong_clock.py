"""Schedules after the database's clock was ahead and has come back."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import BaseModel
from support.alerting import raised
from support.clock import FrozenClock
from support.service import PATIENCE, Service, running_server, running_worker

from agenciaos_jobs.alerts.kinds import SCHEDULE_EARLY
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.alerts.text import explanation
from agenciaos_jobs.engine.model.job import Job, Schedule
from agenciaos_jobs.foundation import database
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAILY = {"task": "generate-monthly-reports", "cron": "0 13 * * *", "deduplicationKey": "k"}
DECLARED = "sched_note-the-day"


class Nothing(BaseModel):
    """The payload of a scheduled run."""


async def note(_context: Any, _payload: Nothing) -> dict[str, Any]:
    return {}


JOB = Job("note-the-day", Nothing, note, schedule=Schedule("0 13 * * *", "UTC"))
JOBS_WITH_SCHEDULE = {**JOBS, JOB.task: JOB}


def slot(day: int) -> datetime:
    return datetime(2026, 11, day, 13, tzinfo=UTC)


async def create(service: Service, **changes: Any) -> str:
    status, schedule = await service.post("/api/v1/schedules", DAILY | changes)
    assert status == 200, schedule
    return str(schedule["id"])


async def continues(db: asyncpg.Connection, schedules: list[str], next_slot: datetime) -> None:
    """Waits until these schedules have this next slot."""
    async with asyncio.timeout(PATIENCE):
        while True:
            rows = await db.fetch("SELECT next_slot FROM jobs.schedules WHERE id = ANY ($1::text[])", schedules)
            if {row["next_slot"] for row in rows} == {next_slot}:
                return
            await asyncio.sleep(0.05)


async def runs_of(db: asyncpg.Connection, schedule: str) -> int:
    return int(await db.fetchval("SELECT count(*) FROM jobs.runs WHERE schedule_id = $1", schedule))


async def times_raised(db: asyncpg.Connection, schedule: str) -> int:
    found = "SELECT coalesce(sum(raised), 0) FROM jobs.alerts WHERE kind = $1 AND key = $2"
    return int(await db.fetchval(found, SCHEDULE_EARLY, schedule))


async def words(settings: Settings, schedule: str) -> str:
    assert settings.database_url
    pool = await database.connect(settings.database_url.get_secret_value(), size=1)
    try:
        (alert,) = [found for found in await alerts.newest(pool, kind=SCHEDULE_EARLY) if found.key == schedule]
    finally:
        await pool.close()
    return " ".join(explanation(alert, "en"))


@pytest.mark.slow
async def test_schedules_go_on_when_a_clock_that_was_ahead_has_come_back(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with running_server(settings, clock) as service, running_worker(settings, JOBS_WITH_SCHEDULE, clock):
        both = [await create(service), DECLARED]
        clock.set(slot(26) + timedelta(hours=1))  # two days ahead: the slot of the 26th fires
        await continues(db, both, slot(27))
        clock.set(NOON)
        await continues(db, both, slot(24))
        await raised(db, SCHEDULE_EARLY)
        for day, runs in ((24, 2), (25, 3), (26, 3), (27, 4)):  # the 26th has its run already
            clock.set(slot(day))
            await continues(db, both, slot(day + 1))
            assert [await runs_of(db, schedule) for schedule in both] == [runs, runs], day
    said = await words(settings, DECLARED)
    assert "26" in said
    assert "fired 2 d" in said
    assert "does not fire again" in said


@pytest.mark.slow
async def test_the_payload_names_no_slot_that_has_yet_to_come_as_the_last(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with running_server(settings, clock) as service, running_worker(settings, JOBS_WITH_SCHEDULE, clock):
        schedule = await create(service)
        clock.set(slot(26))
        await continues(db, [schedule], slot(27))
        clock.set(NOON)
        await continues(db, [schedule], slot(24))
        for day in (24, 25):
            clock.set(slot(day))
            await continues(db, [schedule], slot(day + 1))
        found = await db.fetch(
            "SELECT payload->>'timestamp' AS at, payload->>'lastTimestamp' AS last FROM jobs.runs ORDER BY created_at"
        )
    assert [(row["at"][:10], row["last"] and row["last"][:10]) for row in found if row["at"]] == [
        ("2026-11-24", None),
        ("2026-11-25", "2026-11-24"),
        ("2026-11-26", None),
    ]


async def test_a_worker_that_is_still_ahead_fires_no_slot_twice(settings: Settings, db: asyncpg.Connection):
    ahead, back = FrozenClock(slot(26)), FrozenClock(NOON)
    async with running_server(settings, back) as service:
        schedule = await create(service)
        async with (
            running_worker(settings, JOBS_WITH_SCHEDULE, ahead),
            running_worker(settings, JOBS_WITH_SCHEDULE, back),
        ):
            async with asyncio.timeout(PATIENCE):  # the one takes the slot again and again, the other one corrects it
                while await times_raised(db, schedule) < 3:
                    await asyncio.sleep(0.05)
    assert await runs_of(db, schedule) == 1


@pytest.mark.parametrize("cron", ["0 0 1 1 *", "* * * * *"])
async def test_a_changed_time_is_no_wrong_clock(settings: Settings, db: asyncpg.Connection, cron: str):
    clock = FrozenClock(NOON)
    async with (
        running_server(settings, clock) as service,
        running_worker(settings, JOBS_WITH_SCHEDULE, clock) as worker,
    ):
        schedule = await create(service, cron="*/30 * * * *")
        clock.set(NOON + timedelta(minutes=30, seconds=1))
        await continues(db, [schedule], NOON + timedelta(hours=1))
        assert await create(service, cron=cron) == schedule
        stored = await db.fetchrow("SELECT * FROM jobs.schedules WHERE id = $1", schedule)
        clock.set(NOON + timedelta(minutes=30))  # a second back is no news either
        await worker.ctx["worker"].scheduler.fire_due()
        assert await db.fetchrow("SELECT * FROM jobs.schedules WHERE id = $1", schedule) == stored
        assert await db.fetchval("SELECT count(*) FROM jobs.alerts WHERE kind = $1", SCHEDULE_EARLY) == 0


async def test_maintenance_goes_on_when_a_clock_that_was_ahead_has_come_back(
    settings: Settings, db: asyncpg.Connection
):
    clock = FrozenClock(NOON + timedelta(days=2))
    ahead = "SELECT EXISTS (SELECT FROM jobs.alert_rounds WHERE name = 'conditions' AND last_at > $1)"
    kept = "SELECT EXISTS (SELECT FROM jobs.idempotency_keys WHERE key_digest = 'x')"
    async with running_worker(settings, JOBS_WITH_SCHEDULE, clock), asyncio.timeout(PATIENCE):
        while not await db.fetchval(ahead, NOON):
            await asyncio.sleep(0.05)
        while await db.fetchval("SELECT count(*) FROM jobs.housekeeping") < 3:
            await asyncio.sleep(0.05)
        await db.execute("SELECT jobs.drop_month($1)", "2027_02")
        clock.set(NOON)
        while await db.fetchval("SELECT to_regclass('jobs.runs_2027_02') IS NULL"):  # by the housekeeping
            await asyncio.sleep(0.05)
        while await db.fetchval(ahead, NOON):  # by the alerts
            await asyncio.sleep(0.05)
    await db.execute("INSERT INTO jobs.idempotency_keys VALUES ('t', 'x', 'run_1', '', $1)", NOON)
    async with running_worker(settings, JOBS_WITH_SCHEDULE, clock), asyncio.timeout(PATIENCE):
        while await db.fetchval(kept):  # by the pruner
            await asyncio.sleep(0.05)
