"""Workers that stop, freeze or vanish, and a queue that does: what becomes of their runs."""

import asyncio

import asyncpg
import pytest
from pydantic import SecretStr
from support.probe import Probe
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.ai_content.store import generations
from agenciaos_jobs.engine.model.job import CommitWith
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from agenciaos_jobs.worker import worker_services


async def test_a_worker_that_stops_hands_its_run_back_and_spends_no_attempt(settings: Settings):
    started = asyncio.Event()

    async def wait(app):
        started.set()
        await asyncio.sleep(60 if started.is_set() and probe.calls == 1 else 0)
        return {"attempt": app.run.attempt}

    probe = Probe(wait)
    async with running_server(settings) as service:
        async with running_worker(settings, probe.jobs):
            run_id = await service.start(probe.job)
            await asyncio.wait_for(started.wait(), 10)
        run = await service.run(run_id)
        assert (run["status"], run["attemptCount"], run["attempts"]) == ("QUEUED", 0, [])
        async with running_worker(settings, probe.jobs):
            run = await service.finished(run_id)
    assert run["output"] == {"attempt": 1}


async def test_a_run_taken_from_this_worker_is_stopped_and_changes_nothing(settings: Settings, db: asyncpg.Connection):
    await db.execute("CREATE TABLE effects (n int)")
    stopped = asyncio.Event()

    async def wait(app):
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    probe = Probe(wait)
    async with running_service(settings, probe.jobs) as service:
        run_id = await service.start(probe.job)
        await service.reaches(run_id, lambda run: run["isExecuting"])
        await db.execute("UPDATE jobs.runs SET status = 'CANCELED', finished_at = now()")
        await asyncio.wait_for(stopped.wait(), 5)
        assert (await service.run(run_id))["status"] == "CANCELED"


async def test_a_late_worker_can_not_finish_what_it_lost(settings: Settings, db: asyncpg.Connection):
    await db.execute("CREATE TABLE effects (n int)")
    lost = asyncio.Event()

    async def late(app):
        await lost.wait()

        async def change(connection):
            await connection.execute("INSERT INTO effects VALUES (1)")
            return {}

        return CommitWith(change)

    probe = Probe(late)
    async with running_service(settings, probe.jobs) as service:
        run_id = await service.start(probe.job)
        await service.reaches(run_id, lambda run: run["isExecuting"])
        await db.execute("UPDATE jobs.runs SET attempt = attempt + 1, worker_id = 'worker_other', max_attempts = 2")
        lost.set()
        run = await service.finished(
            run_id
        )  # the other worker does not exist: its lease is out, and attempts are spent
    assert run["status"] == "CRASHED"
    assert run["error"]["name"] == "worker_lost"
    assert await db.fetchval("SELECT count(*) FROM effects") == 0


async def test_a_lost_worker_s_run_starts_again(settings: Settings, db: asyncpg.Connection):
    async def work(app):
        return {"attempt": app.run.attempt}

    probe = Probe(work)
    async with running_server(settings) as service:
        run_id = await service.start(probe.job)
        await db.execute(
            """INSERT INTO jobs.workers VALUES ('worker_gone', 'h', 1, now(), now(), now() - interval '1 second')"""
        )
        await db.execute(
            """UPDATE jobs.runs SET status = 'EXECUTING', attempt = 1, worker_id = 'worker_gone',
               attempt_started_at = now()"""
        )
        async with running_worker(settings, probe.jobs):
            run = await service.finished(run_id)
    assert run["output"] == {"attempt": 2}
    assert run["attempts"][0]["error"]["name"] == "worker_lost"


async def test_a_lost_worker_s_run_is_sent_again_by_the_round_that_finds_it(settings: Settings):
    async with open_runtime(settings) as runtime:
        report = new_run(JOBS["generate-monthly-reports"], {"month": "2026-10"}, source="test", priority=7)
        run_id = (await runtime.intake.trigger(report)).run_id
        await runtime.outbox.flush()
        await runtime.queue.remove([run_id])
        await worker_services(runtime, JOBS).runner.claim([run_id])  # by a worker that holds no lease
        assert await runtime.queue.not_enqueued([run_id]) == {run_id}
        await worker_services(runtime, JOBS).rescuer.run_once()
        assert await runtime.queue.not_enqueued([run_id]) == set()


async def test_a_sweep_keeps_house_while_redis_is_away(settings: Settings, db: asyncpg.Connection):
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:9/0")})
    await db.execute(
        """INSERT INTO jobs.alerts (id, kind, key, subjects, details, since, raised_at, raised, pending)
           VALUES ('alert_old', 'run_failed', 'x', '{}', '{}', '2020-01-01', '2020-01-01', 1, 0)"""
    )
    async with open_runtime(away) as runtime:
        await runtime.intake.trigger(new_run(JOBS["generate-monthly-reports"], {"month": "2026-10"}, source="test"))
        await worker_services(runtime, JOBS).runner.claim([await db.fetchval("SELECT id FROM jobs.runs")])
        await worker_services(runtime, JOBS).rescuer.run_once()
    assert await db.fetchval("SELECT status FROM jobs.runs") == "QUEUED"
    assert await db.fetchval("SELECT count(*) FROM jobs.alerts") == 0


async def test_the_reservation_of_a_crashed_ai_run_is_given_back(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service:
        payload = {"agencyId": "agency-123", "agentType": "CRM_FOLLOW_UP", "input": {"produto": "x"}}
        run_id = await service.trigger("ai-content", payload)
        await db.execute("INSERT INTO jobs.ai_reservations VALUES ($1, 'agency-123', '2026-11-01', now())", run_id)
        await db.execute(
            """UPDATE jobs.runs SET status = 'EXECUTING', attempt = 3, worker_id = 'worker_gone',
               attempt_started_at = now()"""
        )
        async with running_worker(settings):
            assert (await service.finished(run_id))["status"] == "CRASHED"
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_reservations") == 0


async def test_an_emptied_redis_loses_nothing(settings: Settings, servers: dict[str, str]):
    from agenciaos_jobs.engine import queue

    async with running_server(settings) as service:
        ids = [await service.trigger("monthly-report", {"month": "2026-10"}) for _ in range(5)]
        delayed = await service.trigger("monthly-report", delay="1s")
        redis = queue.connect(servers["REDIS_URL"])
        await redis.flushall()
        await redis.aclose()
        async with running_worker(settings):
            for run_id in [*ids, delayed]:
                assert (await service.finished(run_id))["status"] == "COMPLETED"


async def test_a_trigger_is_kept_while_redis_is_away(settings: Settings):
    away = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:9/0")})
    async with running_server(away) as service:
        run_id = await service.trigger("monthly-report")
    async with running_service(settings) as service:
        assert (await service.finished(run_id))["status"] == "COMPLETED"


async def test_an_attempt_that_is_over_sets_no_generation_aside(settings: Settings, db: asyncpg.Connection):
    payload = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
    async with running_server(settings) as service, open_runtime(settings) as runtime:
        run_id = await service.trigger("ai-content", payload)
        (claimed,) = await worker_services(runtime, JOBS).runner.claim([run_id])
        await service.post(f"/api/v2/runs/{run_id}/cancel", {})
        now = runtime.clock.now()
        with pytest.raises(OwnershipLostError):
            await generations.reserve(runtime.database, claimed, "agency-123", Month.of(now), 20, now)
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_reservations") == 0


async def test_a_worker_that_stops_amid_a_claim_ends_what_it_claims(
    settings: Settings, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    async with running_server(settings) as service, open_runtime(settings) as runtime:
        worker = worker_services(runtime, JOBS)
        is_claiming, will_retry, claim = asyncio.Event(), asyncio.Event(), worker.runner.claim

        async def slow_claim(run_ids: list[str], **options: bool) -> list[ClaimedRun]:
            if run_id in run_ids:  # and no message that another test has left
                is_claiming.set()
                await will_retry.wait()
            return await claim(run_ids, **options)

        monkeypatch.setattr(worker.runner, "claim", slow_claim)
        await worker.heartbeat.beat()
        run_id = await service.trigger("monthly-report", {"month": "2026-01"})
        working = asyncio.create_task(worker.dispatcher.run())
        await is_claiming.wait()
        draining = asyncio.create_task(worker.dispatcher.drain(30, asyncio.Event()))
        await asyncio.wait([draining], timeout=0.05)
        will_retry.set()
        await draining
        assert await db.fetchval("SELECT status FROM jobs.runs WHERE id = $1", run_id) == "COMPLETED"
        await working


async def test_an_attempt_that_is_stopped_twice_makes_its_effects(settings: Settings, db: asyncpg.Connection):
    await db.execute("CREATE TABLE effects (code text)")
    started = asyncio.Event()

    async def effect(connection: asyncpg.Connection, code: str) -> None:
        await connection.execute("INSERT INTO effects VALUES ($1)", code)

    async def wait(app):
        app.on_failure(effect)
        started.set()
        await asyncio.sleep(60)

    probe = Probe(wait)
    async with running_server(settings) as service, open_runtime(settings) as runtime, asyncio.timeout(20):
        worker = worker_services(runtime, probe.jobs)
        await worker.heartbeat.beat()
        run_id = await service.start(probe.job)
        (claimed,) = await worker.runner.claim([run_id])
        attempt = asyncio.create_task(worker.runner.execute(claimed))
        await started.wait()
        async with db.transaction():
            await db.execute("SELECT FROM jobs.runs WHERE id = $1 FOR UPDATE", run_id)
            worker.runner.hand_back_all()
            while not await db.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.01)
            worker.runner.hand_back_all()
            await asyncio.wait([attempt])
        while not await db.fetchval("SELECT count(*) FROM effects WHERE code = 'handed_back'"):
            await asyncio.sleep(0.01)
    assert attempt.cancelled()
