"""Metrics by Prometheus's rules, on the server and on the worker, each counting what it says."""

import asyncio
import re
import signal
import time
from datetime import timedelta
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, SecretStr
from support.alerting import raised, watching, with_slack
from support.channels import FakeSlack, receiving
from support.clock import FrozenClock
from support.postgres import own_postgres
from support.processes import worker
from support.promtool import promtool
from support.service import Service, running_server, running_worker

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import Job, Json
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.metric_reporter import MetricReporter
from agenciaos_jobs.http import keys
from agenciaos_jobs.payments.alerts import WEBHOOK_DEACTIVATED
from agenciaos_jobs.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
ROUND_TRIPS = metrics.counter("agenciaos_test_round_trips_total", "Counted by a job of the test's own.", ["direction"])


class Nothing(BaseModel):
    pass


async def count(app: RunContext, _: Nothing) -> Json:
    ROUND_TRIPS.labels("there").inc(2)
    return {}


COUNTING = Job(task="counting", payload=Nothing, run=count)


async def told(http: aiohttp.ClientSession, url: str) -> bytes:
    async with http.get(url) as response:
        assert response.status == 200
        return await response.read()


async def test_promtool_finds_nothing_to_say(settings: Settings):
    async with running_server(settings) as service, running_worker(settings):
        await service.outcome("ai-content", AI)
        await service.outcome("monthly-report", {"month": "2999-01"})
        await asyncio.sleep(1.1)  # a worker reports once a second
        exposed = await told(service.http, "/metrics")
    assert await promtool("check", "metrics", given=exposed) == ""
    families = {family.name: family for family in text_string_to_metric_families(exposed.decode())}
    assert families["agenciaos_database_connections_max"].samples[0].value == settings.database_pool_size
    assert {"process_resident_memory_bytes", "agenciaos_event_loop_lag_seconds"} <= families.keys()


async def test_a_server_knows_how_busy_the_workers_are(settings: Settings):
    started, will_retry = asyncio.Event(), asyncio.Event()

    async def wait(context: RunContext, _: Nothing) -> Json:
        started.set()
        await will_retry.wait()
        return {}

    async def slots() -> tuple[float, float]:
        now = values(await told(service.http, "/metrics"))
        return now["agenciaos_worker_slots_busy"], now["agenciaos_worker_slots"]

    waiting = Job(task="waiting", payload=Nothing, run=wait)
    async with running_server(settings) as service:
        assert await slots() == (0, 0)
        async with running_worker(settings, {"waiting": waiting}):
            assert await slots() == (0, settings.worker_max_jobs)
            run_id = await service.start(waiting)
            await started.wait()
            assert await slots() == (1, settings.worker_max_jobs)
            will_retry.set()
            await service.finished(run_id)


async def test_a_late_event_loop_is_counted(settings: Settings):
    name = "agenciaos_event_loop_late_total"
    async with running_server(settings) as service, running_worker(settings):
        before = now = values(await told(service.http, "/metrics"))[name]
        time.sleep(1.2)  # noqa: ASYNC251 - this is what it is about
        async with asyncio.timeout(20):
            while now <= before:
                await asyncio.sleep(0.05)
                now = values(await told(service.http, "/metrics"))[name]


async def test_a_job_s_own_metric_reaches_the_server(settings: Settings):
    async with running_server(settings) as service, running_worker(settings, {"counting": COUNTING}):
        await service.start(COUNTING)
        async with asyncio.timeout(20):
            while b'round_trips_total{direction="there"} 2.0' not in await told(service.http, "/metrics"):
                await asyncio.sleep(0.05)


PROMISED = {
    'agenciaos_http_requests_total{method="POST",route="/api/trigger",status="200"}',
    'agenciaos_http_request_duration_seconds_count{method="POST",route="/api/trigger"}',
    'agenciaos_runs_total{outcome="completed",task="generate-ai-content"}',
    'agenciaos_run_starts_total{task="generate-ai-content"}',
    'agenciaos_run_wait_seconds_count{task="generate-ai-content"}',
    'agenciaos_run_duration_seconds_count{task="generate-ai-content"}',
    "agenciaos_leases_lost_total",
    'agenciaos_sweeper_repairs_total{kind="worker_lost"}',
    'agenciaos_sweeper_repairs_total{kind="sent_again"}',
    'agenciaos_openai_calls_total{model="gpt-6-luna",outcome="ok"}',
    'agenciaos_openai_call_duration_seconds_count{model="gpt-6-luna"}',
    'agenciaos_openai_tokens_total{kind="input",model="gpt-6-luna"}',
    'agenciaos_openai_cost_dollars_total{model="gpt-6-luna"}',
    "agenciaos_event_loop_lag_seconds_count",
}


async def test_each_figure_that_an_operator_was_promised_moves(settings: Settings, db: asyncpg.Connection):
    """Each by what it counts; a worker that is gone leaves a run, and Redis loses another."""
    async with running_server(settings) as service:
        before = now = values(await told(service.http, "/metrics"))
        assert before["agenciaos_leases_lost_total"] == 0  # told from the start, so that its first increase is one
        lost = await service.trigger("monthly-report", {"month": "2026-01"})
        await db.execute(
            """UPDATE jobs.runs SET status = 'EXECUTING', attempt = 1, worker_id = 'worker_gone',
               attempt_started_at = now() WHERE id = $1""",
            lost,
        )
        forgotten = await service.trigger("monthly-report", {"month": "2026-01"})
        await db.execute("UPDATE jobs.runs SET due_at = now() - interval '5 min' WHERE id = $1", forgotten)
        async with asyncio.timeout(20):
            while await service.app[keys.QUEUE].not_enqueued([forgotten]):  # it is sent after the answer
                await asyncio.sleep(0.01)
        await service.app[keys.QUEUE].remove([forgotten])
        async with running_worker(settings):
            for run_id in (lost, forgotten, await service.trigger("ai-content", AI)):
                assert (await service.finished(run_id))["status"] == "COMPLETED"
            async with asyncio.timeout(20):
                while still := {name for name in PROMISED if now.get(name, 0) <= before.get(name, 0)}:
                    now = values(await told(service.http, "/metrics"))
                    await asyncio.sleep(0.05)
    assert not still
    assert now["agenciaos_database_connections"] >= now["agenciaos_database_connections_busy"] >= 0


def values(exposed: bytes) -> dict[str, float]:
    """Samples by name and labels, as they are written."""
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in exposed.decode().splitlines()
        if not line.startswith("#")
    }


async def test_a_server_tells_of_itself_while_postgres_is_away(settings: Settings):
    async with own_postgres() as postgres:
        own = settings.model_copy(update={"database_url": SecretStr(postgres.url)})
        async with running_server(own) as service:
            assert values(await told(service.http, "/metrics"))["agenciaos_database_up"] == 1
            postgres.stop()
            alone = await told(service.http, "/metrics")
            postgres.start()
    assert values(alone)["agenciaos_database_up"] == 0
    assert "process_resident_memory_bytes" in values(alone)
    assert "agenciaos_workers" not in values(alone)
    assert await promtool("check", "metrics", given=alone) == ""


async def test_what_a_server_delivers_for_dead_workers_is_counted(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(SystemClock().now())
    async with receiving(FakeSlack()) as slack:
        own = with_slack(settings, slack.url)
        async with running_server(own, clock) as service, watching(own, clock) as (runtime, guard):
            reporter = MetricReporter(runtime.database)
            name = 'agenciaos_alert_deliveries_total{channel="slack",outcome="sent"}'
            before = values(await told(service.http, "/metrics")).get(name, 0)
            service.app[keys.ALERTS].record(WEBHOOK_DEACTIVATED, "guru", reason="x")
            await raised(db, WEBHOOK_DEACTIVATED)
            for _ in range(2):
                await guard.run_on_server()
                clock.pass_(timedelta(minutes=1))
            await reporter.flush()
            assert values(await told(service.http, "/metrics"))[name] == before + 1


@pytest.mark.slow
async def test_workers_counters_add_up_over_processes_and_restarts(settings: Settings, tmp_path: Path):
    name = 'agenciaos_runs_total{outcome="completed",task="generate-monthly-reports"}'
    async with running_server(settings) as service:
        before, done = values(await told(service.http, "/metrics")).get(name, 0), 0
        for _ in range(2):
            async with (
                worker(settings, tmp_path) as one,
                worker(settings, tmp_path, "agenciaos-jobs", "worker") as other,
            ):
                ids = [await service.trigger("monthly-report", {"month": "2026-01"}) for _ in range(30)]
                for run_id in ids:
                    await service.finished(run_id)
                done += len(ids)
                for process in (one, other):
                    process.interrupt(signal.SIGTERM)
                    assert await process.ends(30) == 0
            assert values(await told(service.http, "/metrics"))[name] == before + done


async def test_webhooks_are_counted(service: Service):
    before = metrics.WEBHOOKS.labels("openai", "refused")._value.get()
    async with service.http.post("/webhooks/openai", data="{}") as response:
        assert response.status == 401
    assert metrics.WEBHOOKS.labels("openai", "refused")._value.get() == before + 1


async def test_the_operator_s_table_names_metrics_that_there_are(service: Service):
    table = (DEPLOY.parent / "docs" / "operations.md").read_text().split("## Metrics")[1].split("## Traces")[0]
    named = set(re.findall(r"`(agenciaos_[a-z_]+)`", table)) - {"agenciaos_emails_total"}
    exposed = (await told(service.http, "/metrics")).decode()
    missing = {name for name in named if f"# HELP {name}" not in exposed}
    assert missing == set()
