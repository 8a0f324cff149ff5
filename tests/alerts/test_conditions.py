"""What alerts watch by themselves: queues, failure rates, workers, schedules, and what AI costs."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
from support.alerting import raised, watching
from support.clock import FrozenClock
from support.service import running_service

from agenciaos_jobs.ai_content.alerts import AI_BUDGET_AGENCY, AI_BUDGET_TOTAL
from agenciaos_jobs.alerts.alert import Alert
from agenciaos_jobs.alerts.failures import FailureRecorder
from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.alerts.kinds import FAILURE_RATE, NO_WORKERS, QUEUE_AGE, SCHEDULE_MISSED, WORKER_LOST
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.model.run import RunError
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.engine.store.workers import Worker
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import Runtime
from agenciaos_jobs.worker import worker_services

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def known(runtime: Runtime, kind: AlertKind) -> Alert | None:
    found = await alerts.newest(runtime.database, kind=kind)
    return found[0] if found else None


async def runs(db: asyncpg.Connection, clock: FrozenClock, status: str, count: int, task: str = "probe") -> list[str]:
    """Rows as the engine leaves them."""
    now = clock.now()
    ids = [clock.new_id("run") for _ in range(count)]
    await db.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at, updated_at,
                                  due_at, finished_at)
           SELECT id, $2, $3, '{}', 'test', 1, 60, $4::timestamptz, $4, $4,
                  CASE WHEN $3 <> 'QUEUED' THEN $4::timestamptz END
           FROM unnest($1::text[]) AS id""",
        ids,
        task,
        status,
        now,
    )
    return ids


async def fail(runtime: Runtime, ids: list[str], code: str | None = None, task: str = "probe") -> None:
    recorder = FailureRecorder(runtime.clock, runtime.alerting.rules)
    async with runtime.database.transaction() as connection:
        await recorder.record(connection, [(run_id, task, RunError("E", "x", code)) for run_id in ids])


async def test_a_queue_that_falls_behind_is_told_and_so_is_its_end(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(settings, clock) as (runtime, watch):
        ids = await runs(db, clock, "QUEUED", 3)
        await db.execute("UPDATE jobs.runs SET parked = true, concurrency_key = 'k' WHERE id = $1", ids[0])
        await runs(db, clock, "QUEUED", 1, task="deliver-alert")
        clock.pass_(MINUTE)
        await watch.conditions.evaluate()
        assert await known(runtime, QUEUE_AGE) is None
        clock.pass_(2 * MINUTE)
        await watch.conditions.evaluate()
        await watch.conditions.evaluate()
        found = await known(runtime, QUEUE_AGE)
        assert found
        assert (found.key, found.details, found.raised, found.pending) == ("probe", {"depth": 2, "seconds": 180}, 1, 1)
        await watch.enqueue_due_notifications()
        await db.execute("UPDATE jobs.runs SET status = 'EXECUTING'")
        clock.pass_(MINUTE)
        await watch.conditions.evaluate()
        found = await known(runtime, QUEUE_AGE)
        assert found
        assert (found.ended_at, found.since) == (clock.now(), clock.now() - MINUTE)
        await watch.enqueue_due_notifications()
        await watch.enqueue_due_notifications()
        found = await known(runtime, QUEUE_AGE)
        assert found
        assert (found.notifications, found.notified_at) == (2, clock.now())


async def test_a_failure_rate_counts_what_the_rule_counts(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(settings, clock) as (runtime, watch):
        await runs(db, clock, "COMPLETED", 21)
        await fail(runtime, await runs(db, clock, "FAILED", 50), code="plan_limit_reached")
        await fail(runtime, await runs(db, clock, "FAILED", 50, task="deliver-alert"), task="deliver-alert")
        await fail(runtime, await runs(db, clock, "FAILED", 4))
        await watch.conditions.evaluate()
        assert await known(runtime, FAILURE_RATE) is None, "too few failures"
        await fail(runtime, await runs(db, clock, "FAILED", 10))
        await watch.conditions.evaluate()
        assert await known(runtime, FAILURE_RATE) is None, "14 of 85"
        await fail(runtime, await runs(db, clock, "FAILED", 6))
        clock.pass_(9 * MINUTE)
        await watch.conditions.evaluate()
        found = await known(runtime, FAILURE_RATE)
        assert found
        assert found.details == {"failed": 20, "ended": 91, "percent": 22, "window": "10 min"}
        await watch.enqueue_due_notifications()
        clock.pass_(2 * MINUTE)
        await watch.conditions.evaluate()
        found = await known(runtime, FAILURE_RATE)
        assert found
        assert (found.ended_at, found.notifications) == (clock.now(), 1)


async def test_schedules_that_nobody_fires_are_told_where_no_worker_is_alive(
    settings: Settings, db: asyncpg.Connection
):
    clock = FrozenClock(NOON)
    async with watching(settings, clock) as (runtime, watch):
        await worker_services(runtime, JOBS).scheduler.declare()
        clock.pass_(timedelta(hours=24))
        await watch.conditions.evaluate()
        found = await known(runtime, NO_WORKERS)
        assert found
        assert found.details["waiting"] >= 1


async def test_a_lost_worker_is_told_once_and_again_when_it_is_lost_again(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(settings, clock) as (runtime, watch):
        worker = Worker("worker_1", "host", 7, NOON)
        for count in (1, 2):
            await workers.renew(runtime.database, worker, clock.now(), clock.now() + timedelta(seconds=10))
            await watch.conditions.evaluate()
            clock.pass_(MINUTE)
            await watch.conditions.evaluate()
            await watch.conditions.evaluate()
            found = await known(runtime, WORKER_LOST)
            assert found
            assert (found.raised, found.subjects) == (count, ("host:7",))
        await workers.leave(runtime.database, worker)


async def test_a_schedule_that_fires_late_is_told(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    async with watching(settings, clock) as (runtime, _):
        monthly = JOBS["generate-monthly-reports"]
        worker = worker_services(runtime, {monthly.task: monthly})
        await worker.scheduler.declare()
        clock.set(datetime(2026, 12, 1, 9, 4, tzinfo=UTC))
        await worker.scheduler.fire_due()
        await asyncio.sleep(0)
        assert await known(runtime, SCHEDULE_MISSED) is None
        clock.set(datetime(2027, 1, 1, 11, 0, tzinfo=UTC))
        await worker.scheduler.fire_due()
        found = await known(runtime, SCHEDULE_MISSED)
        clock.set(datetime(2027, 4, 1, 9, 0, tzinfo=UTC))
        await worker.scheduler.fire_due()
        again = await known(runtime, SCHEDULE_MISSED)
    assert found
    assert (found.key, found.subjects) == ("sched_generate-monthly-reports", ("generate-monthly-reports",))
    assert found.details == {"slot": "2027-01-01T09:00:00+00:00", "seconds": 7200}
    assert again
    assert again.details["slot"] == "2027-02-01T09:00:00+00:00", "the first of those that were missed"


async def test_the_ai_budget_is_told_at_80_and_at_100_percent_once_a_month(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    settings = settings.model_copy(update={"ai_budget_usd": Decimal(10)})

    async def spend(cost: str) -> None:
        await db.execute(
            """INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests,
                 input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost, created_at)
               VALUES ('run_x', 1, 'a', 'X', 'completed', 'm', 1, 1, 0, 1, 0, $1, $2)""",
            Decimal(cost),
            clock.now(),
        )

    async with watching(settings, clock) as (runtime, watch):
        for cost, expected in (("7.99", 0), ("0.01", 1), ("0.5", 1), ("1.5", 2), ("9", 2)):
            await spend(cost)
            clock.pass_(6 * MINUTE)
            await watch.conditions.evaluate()
            found = await alerts.newest(runtime.database, kind=AI_BUDGET_TOTAL)
            assert len(found) == expected, cost
        assert {item.key for item in found} == {"2026-11:80", "2026-11:100"}
        assert found[-1].details == {"spent": "8.00", "budget": "10.00", "percent": 80, "month": "2026-11"}
        clock.set(datetime(2026, 12, 2, tzinfo=UTC))
        await watch.conditions.evaluate()
        assert len(await alerts.newest(runtime.database, kind=AI_BUDGET_TOTAL)) == 2


async def test_an_agency_that_reaches_its_plan_s_limit_is_told(settings: Settings, db: asyncpg.Connection):
    settings = settings.model_copy(update={"plans": {"FREE": 5, "PRO": 5}})
    request = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
    async with running_service(settings) as service:
        before = 0
        for _ in range(5):
            run = await service.outcome("ai-content", request)
            before += run["status"] == "COMPLETED"
        rows = [await raised(db, AI_BUDGET_AGENCY)]
    assert before, "the agency could not write at all"
    assert rows[0]["subjects"] == ["agency-123"]
    keys = await db.fetch("SELECT key FROM jobs.alerts WHERE kind = 'ai_budget_agency' ORDER BY key")
    assert [row["key"] for row in keys] == ["100", "80"]


async def test_each_look_is_made_by_one_process(settings: Settings, db: asyncpg.Connection):
    clock: Any = FrozenClock(NOON)
    async with watching(settings, clock) as (_, watch):
        looks = 0

        async def look() -> None:
            nonlocal looks
            looks += 1

        watch.conditions.evaluate = look  # type: ignore[method-assign]
        await db.execute("UPDATE jobs.alert_rounds SET last_at = '-infinity'")
        await asyncio.gather(*[watch.run_once() for _ in range(6)])
        assert looks == 1
        clock.pass_(MINUTE)
        await watch.run_once()
        assert looks == 2
