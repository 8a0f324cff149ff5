"""Many at once: sweepers, duplicates, clocks that differ, and an agency that wants everything."""

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.double import OpenAIDouble
from support.probe import Probe
from support.processes import run
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import QueuedRun
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.http import keys
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from agenciaos_jobs.worker import worker_services

ROOT = Path(__file__).parents[2]

AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}


async def nothing(_: Any) -> dict[str, Any]:
    return {}


async def test_two_sweepers_repair_no_more_than_one(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, open_runtime(settings) as one, open_runtime(settings) as other:
        run_ids = [await service.trigger("monthly-report", {"month": "2026-10"}) for _ in range(20)]
        services = [worker_services(runtime, JOBS) for runtime in (one, other)]
        await services[0].runner.claim(run_ids)  # by a worker that holds no lease
        await asyncio.gather(*[worker.rescuer.run_once() for worker in services * 3])
        assert await db.fetchval("SELECT count(*) FROM jobs.attempts WHERE status = 'FAILED'") == 20
        assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE status = 'QUEUED' AND losses = 1") == 20
        async with running_worker(settings):
            for run_id in run_ids:
                assert (await service.finished(run_id))["attemptCount"] == 2


async def test_a_sweeper_passes_over_runs_that_somebody_is_changing(settings: Settings, db: asyncpg.Connection):
    """Who waits for some runs while holding others is in a deadlock with a worker that does the same."""
    async with running_server(settings) as service, open_runtime(settings) as runtime:
        run_ids = [await service.trigger("monthly-report", {"month": "2026-10"}) for _ in range(30)]
        await db.execute(
            """UPDATE jobs.runs SET status = CASE n % 3 WHEN 0 THEN 'QUEUED' ELSE 'DELAYED' END,
                 expires_at = CASE WHEN n % 3 = 1 THEN now() END
               FROM unnest($1::text[]) WITH ORDINALITY AS chosen (id, n) WHERE runs.id = chosen.id""",
            run_ids,
        )
        async with db.transaction():
            await db.execute("SELECT FROM jobs.runs WHERE id = ANY ($1::text[]) FOR UPDATE", run_ids[:15])
            async with asyncio.timeout(5):
                await worker_services(runtime, JOBS).rescuer.run_once()
            assert await states(db) == {"QUEUED": 15, "DELAYED": 10, "EXPIRED": 5}
        await worker_services(runtime, JOBS).rescuer.run_once()
        assert await states(db) == {"QUEUED": 20, "EXPIRED": 10}


async def states(db: asyncpg.Connection) -> dict[str, int]:
    rows = await db.fetch(
        "SELECT status, count(*) AS runs FROM jobs.runs WHERE task <> 'deliver-alert' GROUP BY status"
    )
    return {row["status"]: row["runs"] for row in rows}


class MinuteAhead(SystemClock):
    """The clock of a machine that is a minute ahead of the others."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=1)


async def test_a_worker_whose_clock_is_a_minute_ahead_takes_nobody_for_lost(settings: Settings, db: asyncpg.Connection):
    async def a_while(_: Any) -> dict[str, Any]:
        await asyncio.sleep(0.2)
        return {}

    probe = Probe(a_while)
    few = settings.model_copy(update={"worker_max_jobs": 5})
    async with (
        running_service(few, probe.jobs) as service,
        running_worker(few, probe.jobs, MinuteAhead()),
    ):
        run_ids = [await service.start(probe.job) for _ in range(100)]
        runs = [await service.finished(run_id) for run_id in run_ids]
        leases = await db.fetch("SELECT lease_until - clock_timestamp() AS left FROM jobs.workers")
    assert {(run["status"], run["attemptCount"]) for run in runs} == {("COMPLETED", 1)}
    assert probe.calls == 100
    assert all(lease["left"] < timedelta(seconds=11) for lease in leases)
    assert await db.fetchval("SELECT count(DISTINCT worker_id) FROM jobs.attempts") == 2


async def test_duplicates_in_the_queue_of_a_slow_consumer_are_harmless(settings: Settings):
    probe = Probe(nothing)
    one_slot = settings.model_copy(update={"worker_max_jobs": 1})
    async with running_server(one_slot) as service:
        run_ids = [await service.start(probe.job) for _ in range(30)]
        now = service.app[keys.CLOCK].now()
        again = [QueuedRun(run_id, "probe", now) for run_id in run_ids]
        async with running_worker(one_slot, probe.jobs), running_worker(one_slot, probe.jobs):
            for _ in range(20):
                await service.app[keys.QUEUE].send(again, now)
            for run_id in run_ids:
                assert (await service.finished(run_id))["attemptCount"] == 1
    assert probe.calls == 30


@pytest.mark.slow
async def test_ten_thousand_runs_of_one_agency_hold_up_neither_another_one_nor_a_payment(
    settings: Settings, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    plenty = settings.model_copy(update={"plans": {"FREE": 100_000, "PRO": 500}, "worker_max_jobs": 20})
    openai_double.gate.clear()
    async with running_server(plenty) as service:
        intake, job = service.app[keys.INTAKE], JOBS["generate-ai-content"]
        await asyncio.gather(*[intake.trigger(new_run(job, AI, source="test")) for _ in range(10_000)])
        async with running_worker(plenty):
            other = await service.trigger("ai-content", {**AI, "agencyId": "agency-124"})
            payment = {"customerId": "agency-124", "productId": "pro-monthly", "amount": 1, "status": "paid"}
            paid = await service.trigger("payment-webhook", {"event": "payment.approved", **payment})
            assert (await service.finished(paid))["status"] == "COMPLETED"
            await service.reaches(other, lambda run: run["isExecuting"])
            executing = "SELECT count(*) FROM jobs.runs WHERE status = 'EXECUTING' AND agency_id = 'agency-123'"
            assert await db.fetchval(executing) <= plenty.agency_concurrency
            openai_double.gate.set()
            assert (await service.finished(other))["status"] == "COMPLETED"
            assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE status = 'QUEUED'") > 9_000


async def test_the_soaks_callers_ask_again_where_only_the_answer_got_lost(
    settings: Settings, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(ROOT)
    from bench import soak

    lost: list[str] = []

    async def forward(request: web.Request) -> web.Response:
        async with service.http.post(request.path, json=await request.json()) as response:
            answer = await response.json()
            if (kind := request.path.rpartition("/")[2]) not in lost:
                lost.append(kind)
                raise web.HTTPServiceUnavailable
            return web.json_response(answer, status=response.status)

    app = web.Application()
    app.router.add_post("/api/{path:.*}", forward)
    monkeypatch.setattr(soak.random, "random", lambda: 0.0)  # each run is canceled
    async with running_server(settings) as service, TestServer(app) as between:
        load = soak.Load([between.port or 0], rate=20)
        await load.run(0.2)
    runs = await db.fetch("SELECT id, status FROM jobs.runs WHERE idempotency_key LIKE 'soak-%'")
    assert lost == ["trigger", "cancel"]
    assert {run.run_id for run in load.accepted if run.is_canceled} == {run["id"] for run in runs}
    assert {run["status"] for run in runs} == {"CANCELED"}


@pytest.mark.slow
@pytest.mark.timeout(500)
async def test_a_soak_leaves_nothing_lost_and_nothing_done_twice():
    command = (sys.executable, "-m", "bench.soak", "--minutes", "1.5", "--rate", "15")
    code, text = await run(*command, cwd=ROOT, patience=400)
    assert code == 0, text
    assert "BAD" not in text
