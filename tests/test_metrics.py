"""Metrics by Prometheus's rules, on the server and on the worker; its rules and the dashboard ask for what there is."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel
from support.service import Service, running_server, running_worker

from agenciaos_jobs.adapters import metrics
from agenciaos_jobs.app import RunApp
from agenciaos_jobs.core.job import Job, Json
from agenciaos_jobs.dev import embedded
from agenciaos_jobs.settings import Settings

DEPLOY = Path(__file__).parent.parent / "deploy"
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
ROUND_TRIPS = metrics.counter("agenciaos_test_round_trips_total", "Counted by a job of the test's own.", ["direction"])


class Nothing(BaseModel):
    pass


async def count(app: RunApp, _: Nothing) -> Json:
    ROUND_TRIPS.labels("there").inc(2)
    return {}


COUNTING = Job(task="counting", payload=Nothing, run=count, summary="", accepted={})


async def promtool(*words: str, given: bytes = b"") -> str:
    """What promtool has to say; nothing, where all is well."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed (Debian: prometheus)")
    process = await asyncio.create_subprocess_exec(
        "promtool",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(given)
    assert process.returncode == 0, said.decode()
    return said.decode()


async def told(http: aiohttp.ClientSession, url: str) -> bytes:
    async with http.get(url) as response:
        assert response.status == 200
        return await response.read()


@pytest.fixture
def with_port(settings: Settings) -> Settings:
    return settings.model_copy(update={"worker_metrics_port": embedded.free_port()})


async def test_promtool_finds_nothing_to_say_of_server_and_worker(with_port: Settings):
    async with running_server(with_port) as service, running_worker(with_port):
        await service.outcome("ai-content", AI)
        await service.outcome("monthly-report", {"month": "2999-01"})
        await asyncio.sleep(1.1)  # a worker reports once a second
        of_server = await told(service.http, "/metrics")
        of_worker = await told(service.http, f"http://127.0.0.1:{with_port.worker_metrics_port}/metrics")
    for exposed in (of_server, of_worker):
        assert await promtool("check", "metrics", given=exposed) == ""
    worker = {family.name: family for family in text_string_to_metric_families(of_worker.decode())}
    assert worker["agenciaos_worker_slots"].samples[0].value == with_port.worker_max_jobs
    assert worker["agenciaos_database_connections_max"].samples[0].value == with_port.database_pool_size
    assert {"process_resident_memory_bytes", "agenciaos_event_loop_lag_seconds"} <= worker.keys()
    assert "agenciaos_runs" not in worker  # servers tell of runs, once


async def test_a_job_s_own_metric_reaches_the_server(settings: Settings):
    async with running_server(settings) as service, running_worker(settings, {"counting": COUNTING}):
        await service.start(COUNTING)
        async with asyncio.timeout(20):
            while b'round_trips_total{direction="there"} 2.0' not in await told(service.http, "/metrics"):
                await asyncio.sleep(0.05)


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
    assert missing == {"agenciaos_worker_slots", "agenciaos_worker_slots_busy"}


async def test_prometheus_takes_the_rules_and_they_fire_when_they_should():
    rules = DEPLOY / "prometheus"
    assert "SUCCESS" in await promtool("check", "config", str(rules / "prometheus.yml"))
    assert "SUCCESS" in await promtool("test", "rules", str(rules / "agenciaos-jobs.rules.test.yml"))


async def test_rules_and_dashboard_ask_for_metrics_that_there_are(service: Service):
    rules = (DEPLOY / "prometheus" / "agenciaos-jobs.rules.yml").read_text()
    dashboard = json.loads((DEPLOY / "grafana" / "agenciaos-jobs.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    names = set(re.findall(r"\b(agenciaos_[a-z_0-9]+)", rules + " ".join(asked)))
    told_of = {
        family.name for family in text_string_to_metric_families((await told(service.http, "/metrics")).decode())
    }
    of_workers = {"agenciaos_worker_slots", "agenciaos_worker_slots_busy"}
    base = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in names}
    assert base - told_of - of_workers == set()
