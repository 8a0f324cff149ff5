"""Attempts, retries, endings, lost workers, and what is kept of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FrozenClock
from support.probe import Probe
from support.service import leases_renewed, running_server, running_service, running_worker

from agenciaos_jobs.engine import scheduler
from agenciaos_jobs.engine.arq.host import TIMEZONE, cron_job
from agenciaos_jobs.engine.model.cron import last_slot
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, RetryLater
from agenciaos_jobs.engine.model.run import MaxDurationExceeded, Retry, Status, after_failure
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

MONTHLY = "sched_generate-monthly-reports"


async def outcome(settings: Settings, probe: Probe, **options: Any) -> dict[str, Any]:
    async with running_service(settings, probe.jobs) as service:
        return await service.finished(await service.start(probe.job, **options))


async def test_a_failing_run_is_tried_three_times_and_keeps_every_error(settings: Settings):
    async def fail(app):
        raise ZeroDivisionError(f"number {app.run.attempt}")

    probe = Probe(fail)
    run = await outcome(settings, probe)
    assert (run["status"], run["attemptCount"], probe.calls) == ("FAILED", 3, 3)
    assert [attempt["error"]["message"] for attempt in run["attempts"]] == ["number 1", "number 2", "number 3"]
    assert run["error"]["name"] == "ZeroDivisionError"
    assert "in fail" in run["error"]["stackTrace"]


async def test_a_retry_waits_as_documented(settings: Settings, db: asyncpg.Connection):
    async def fail(_):
        raise RuntimeError

    probe = Probe(fail, backoff=Backoff(), attempts=2)
    async with running_service(settings, probe.jobs) as service:
        run_id = await service.start(probe.job)
        run = await service.reaches(run_id, lambda run: run["attempts"] and run["isQueued"])
        assert (run["status"], run["attemptCount"]) == ("QUEUED", 1)
        due_at, failed_at = await db.fetchrow("SELECT due_at, updated_at FROM jobs.runs")
        assert timedelta(seconds=1) <= due_at - failed_at <= timedelta(seconds=2)
        run = await service.finished(run_id)
    first, second = (datetime.fromisoformat(attempt["startedAt"]) for attempt in run["attempts"])
    assert second >= due_at
    assert second - first < timedelta(seconds=4)


async def test_give_up_ends_at_once(settings: Settings):
    async def give_up(_):
        raise GiveUp("no_use", "nothing to be done", details={"why": "because"})

    probe = Probe(give_up)
    run = await outcome(settings, probe)
    assert (run["status"], run["error"]["name"], probe.calls) == ("FAILED", "no_use", 1)


async def test_retry_later_waits_as_long_as_upstream_asks(settings: Settings, db: asyncpg.Connection):
    async def once(app):
        if app.run.attempt == 1:
            raise RetryLater("busy", "come back", after=timedelta(seconds=0.3))
        return {"ok": True}

    run = await outcome(settings, Probe(once, backoff=Backoff(minimum=60)))
    assert (run["status"], run["output"]) == ("COMPLETED", {"ok": True})
    first, second = (datetime.fromisoformat(attempt["startedAt"]) for attempt in run["attempts"])
    assert second - first >= timedelta(seconds=0.3)


async def test_too_long_is_timed_out_whatever_attempts_are_left(settings: Settings):
    async def sleep(_):
        await asyncio.sleep(60)

    probe = Probe(sleep, max_duration=1)
    run = await outcome(settings, probe)
    assert (run["status"], run["isFailed"], probe.calls) == ("TIMED_OUT", True, 1)
    assert run["error"]["name"] == "MaxDurationExceeded"


async def test_a_jobs_own_timeout_is_an_ordinary_failure(settings: Settings):
    async def time_out(_):
        raise TimeoutError

    assert (await outcome(settings, Probe(time_out, attempts=1)))["status"] == "FAILED"


async def test_changes_and_completion_are_one_transaction(settings: Settings, db: asyncpg.Connection):
    await db.execute("CREATE TABLE effects (n int)")

    async def finish(app):
        async def change(connection):
            await connection.execute("INSERT INTO effects VALUES (1)")
            if app.run.attempt == 1:
                raise RuntimeError("after the change")
            return {"done": app.run.attempt}

        return CommitWith(change)

    run = await outcome(settings, Probe(finish))
    assert run["output"] == {"done": 2}
    assert await db.fetchval("SELECT count(*) FROM effects") == 1


async def test_secrets_do_not_reach_a_stored_error_or_log(settings: Settings, db: asyncpg.Connection):
    async def leak(app):
        app.log.info("calling", token="x", detail=f"key sk-test-0123456789 {app.run.id}")
        raise ValueError("sk-test-0123456789 was refused")

    run = await outcome(settings, Probe(leak, attempts=1))
    assert run["error"]["message"] == "[redacted] was refused"
    assert "sk-test" not in run["error"]["stackTrace"]
    line = await db.fetchrow("SELECT * FROM jobs.run_logs")
    assert (line["message"], line["level"], line["attempt"], line["run_id"]) == ("calling", "info", 1, run["id"])
    assert line["fields"] == f'{{"token": "[redacted]", "detail": "key [redacted] {run["id"]}"}}'


async def test_an_unknown_task_in_a_row_is_a_clear_failure(settings: Settings, db: asyncpg.Connection):
    async def work(_):
        return {}

    probe = Probe(work)
    async with running_server(settings) as service:
        run_id = await service.start(probe.job)
        await db.execute("UPDATE jobs.runs SET task = 'generate-ai-content', payload = '{}'")
        async with running_worker(settings, {**JOBS, **probe.jobs}):
            run = await service.finished(run_id)
    assert (run["status"], run["error"]["name"]) == ("FAILED", "invalid_payload")


def test_the_month_s_slot_is_six_in_the_morning_in_sao_paulo():
    item = next(item for item in scheduler.declared(JOBS) if item.id == MONTHLY)
    six = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    assert last_slot(item.schedule, six) == six
    assert last_slot(item.schedule, six + timedelta(days=20)) == six
    assert last_slot(item.schedule, six - timedelta(milliseconds=1)) == datetime(2026, 10, 1, 9, 0, tzinfo=UTC)


async def test_a_slot_makes_one_run_however_many_workers_and_is_caught_up_once(
    settings: Settings, db: asyncpg.Connection
):
    clock = FrozenClock(datetime(2026, 10, 31, 12, 0, tzinfo=UTC))
    async with running_server(settings, clock) as service, running_worker(settings, clock=clock) as worker:
        assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0
        clock.set(datetime(2026, 11, 1, 9, 0, tzinfo=UTC))
        fire = worker.functions[f"cron:{MONTHLY}"].coroutine
        await leases_renewed(db, clock)
        async with running_worker(settings, clock=clock) as other:
            await asyncio.gather(*[fire(ctx) for ctx in (worker.ctx, other.ctx, worker.ctx)])
            run = await db.fetchrow("SELECT * FROM jobs.runs WHERE schedule_id = $1", MONTHLY)
            assert run["source"] == "schedule"
            clock.pass_(timedelta(seconds=5))  # lets the rescuer send again what a worker missed while it started
            assert (await service.finished(run["id"]))["output"]["month"] == "2026-10"
            clock.set(datetime(2027, 2, 3, 12, 0, tzinfo=UTC))  # three slots later, with nobody to fire them
            await worker.ctx["worker"].scheduler.fire_due()
            await other.ctx["worker"].scheduler.fire_due()
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE schedule_id = $1", MONTHLY) == 2


def test_arq_s_cron_knows_the_schedule():
    item = next(item for item in scheduler.declared(JOBS) if item.id == MONTHLY)
    job = cron_job(item)
    job.calculate_next(datetime(2026, 11, 23, 12, 0, tzinfo=TIMEZONE))
    assert job.next_run.isoformat().startswith("2026-12-01T06:00:00")


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_stays_within_its_bounds(attempt: int, chance: float):
    delay = Backoff().delay(attempt, chance).total_seconds()
    floor = min(60, 2.0 ** min(attempt - 1, 64))
    assert floor <= delay <= min(60, 2 * floor)


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        (GiveUp("c", "m"), 1, Status.FAILED),
        (MaxDurationExceeded(), 1, Status.TIMED_OUT),
        (ValueError(), 3, Status.FAILED),
        (RetryLater("c", "m", after=timedelta(seconds=9)), 3, Status.FAILED),
        (RetryLater("c", "m", after=timedelta(seconds=9)), 1, Retry(timedelta(seconds=9))),
        (RetryLater("c", "m"), 2, Retry(timedelta(seconds=2))),
        (ValueError(), 1, Retry(timedelta(seconds=1))),
    ],
)
def test_what_follows_a_failure(error, attempt, expected):
    assert after_failure(error, attempt, 3, Backoff(), 0.0) == expected


async def test_a_worker_that_was_frozen_itself_keeps_its_runs(settings: Settings, db: asyncpg.Connection):
    started, ends = asyncio.Event(), asyncio.Event()

    async def act(_: Any) -> None:
        started.set()
        await ends.wait()

    probe, clock = Probe(act), FrozenClock(datetime(2026, 10, 31, 12, 0, tzinfo=UTC))
    async with running_server(settings, clock) as service, running_worker(settings, probe.jobs, clock) as worker:
        run_id = await service.start(probe.job)
        await started.wait()
        await db.execute("UPDATE jobs.workers SET lease_until = seen_at")
        await worker.ctx["worker"].rescuer.run_once()  # before the lease is renewed
        ends.set()
        run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"], probe.calls) == ("COMPLETED", 1, 1)
