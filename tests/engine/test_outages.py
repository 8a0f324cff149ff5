"""Postgres goes away and comes back, under a running server and worker."""

import asyncio
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from support.postgres import own_postgres
from support.probe import Probe
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.engine.worker import dispatcher
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings

REPORT = {"type": "monthly-report", "payload": {}}


async def test_callers_are_told_and_everything_goes_on_by_itself(settings: Settings):
    async with own_postgres() as postgres:
        own = settings.model_copy(update={"database_url": SecretStr(postgres.url)})
        async with running_service(own) as service:
            before = await service.trigger("monthly-report")
            await service.finished(before)
            postgres.stop()
            async with service.http.post("/api/trigger", json=REPORT) as response:
                assert response.status == 503
                assert int(response.headers["Retry-After"]) > 0
                error = (await response.json())["error"]
                assert error == "Banco de dados indisponível; tente novamente em alguns segundos"
            assert (await service.get("/readyz"))[0] == 503
            assert (await service.get("/healthz"))[0] == 200
            postgres.start()
            assert (await service.outcome("monthly-report"))["status"] == "COMPLETED"


async def test_a_database_that_is_slow_to_take_ends_holds_up_what_would_only_wait_for_it(
    settings: Settings, database_url: str, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    async def work(_: Any) -> dict[str, Any]:
        return {}

    monkeypatch.setattr(dispatcher, "MAX_UNRECORDED_COMPLETIONS", 3)
    probe, few = Probe(work), settings.model_copy(update={"worker_max_jobs": 5})
    slow = await asyncpg.connect(database_url)
    async with running_server(few) as service, running_worker(few, probe.jobs) as worker, asyncio.timeout(20):
        await slow.execute("BEGIN; LOCK TABLE jobs.attempts IN EXCLUSIVE MODE")  # an attempt's end is a row of it
        try:
            run_ids = [await service.start(probe.job) for _ in range(20)]
            while probe.calls < 5 + 3:
                await asyncio.sleep(0.02)
            assert (worker.ctx["worker"].dispatcher.busy, probe.calls) == (5, 8)
            assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE status = 'EXECUTING'") == 8
        finally:
            await slow.close()
        for run_id in run_ids:
            assert (await service.finished(run_id))["status"] == "COMPLETED"


@pytest.mark.slow
async def test_work_that_was_done_when_the_database_left_is_recorded_and_not_repeated(settings: Settings):
    started, released = asyncio.Event(), asyncio.Event()

    async def work(_: Any) -> dict[str, Any]:
        started.set()
        await released.wait()
        return {"done": True}

    probe = Probe(work)
    async with own_postgres() as postgres:
        own = settings.model_copy(update={"database_url": SecretStr(postgres.url)})
        async with running_service(own, probe.jobs) as service:
            run_id = await service.start(probe.job)
            await started.wait()
            postgres.stop()
            released.set()
            await asyncio.sleep(12)  # longer than a lease
            postgres.start()
            run = await service.finished(run_id)
    assert (run["status"], run["output"], run["attemptCount"]) == ("COMPLETED", {"done": True}, 1)
    assert probe.calls == 1


async def test_a_caller_who_finds_every_connection_taken_is_told_to_come_again(settings: Settings):
    async with running_server(settings.model_copy(update={"database_pool_size": 1})) as service:
        database = service.app[keys.DATABASE]
        database._pool.max_wait = 0.2
        async with database.connection():
            status, problem = await service.post("/api/trigger", REPORT)
            assert (status, problem["status"]) == (503, 503)
        assert (await service.post("/api/trigger", REPORT))[0] == 200


@pytest.mark.slow
async def test_connections_cut_under_load_cost_answers_but_no_run(settings: Settings, db):
    """Callers ask again with their key, as the answer 503 tells them to."""
    refused = 0

    async def ask(service, number: int) -> str:
        nonlocal refused
        while True:
            status, body = await service.post("/api/trigger", {**REPORT, "idempotencyKey": f"cut-{number}"})
            if status == 200:
                return body["jobId"]
            assert status == 503, body
            refused += 1
            await asyncio.sleep(0.05)

    async with running_service(settings) as service:
        asked = [asyncio.create_task(ask(service, number)) for number in range(200)]
        for _ in range(5):
            await db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await asyncio.sleep(0.02)
        run_ids = await asyncio.gather(*asked)
        runs = [await service.finished(run_id) for run_id in run_ids]
    assert len(set(run_ids)) == 200
    assert {run["status"] for run in runs} == {"COMPLETED"}
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE task = 'generate-monthly-reports'") == 200
    assert await db.fetchval("SELECT count(*) FROM jobs.attempts WHERE status = 'COMPLETED'") == 200
