"""/healthz, /readyz, /metrics, /openapi.json."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.service import Service, running_server

from agenciaos_jobs.settings import Settings


async def test_ready_when_everything_is(service: Service):
    assert await service.get("/healthz") == (200, {"status": "ok"})
    status, readiness = await service.get("/readyz")
    assert (status, readiness) == (200, {"status": "ok", "database": "ok", "schema_version": "ok", "queue": "ok"})


async def test_not_ready_without_the_queue(settings: Settings):
    away = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:9/0")})
    async with running_server(away) as server:
        status, readiness = await server.get("/readyz")
    assert (status, readiness["database"], readiness["queue"]) == (503, "ok", "unreachable (ConnectionError)")


async def samples(service: Service) -> dict[tuple[str, frozenset], float]:
    async with service.http.get("/metrics", headers={"Authorization": ""}) as response:
        assert response.status == 200
        families = list(text_string_to_metric_families(await response.text()))
    assert all(family.documentation for family in families)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


async def test_metrics_tell_of_requests_runs_durations_tokens_and_cost(service: Service):
    payload = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
    await service.outcome("ai-content", payload)
    await service.outcome("monthly-report", {"month": "2999-01"})
    completed = ("agenciaos_runs_total", frozenset({("task", "generate-ai-content"), ("outcome", "completed")}))
    failed = ("agenciaos_runs_total", frozenset({("task", "generate-monthly-reports"), ("outcome", "failed")}))
    async with asyncio.timeout(10):
        while {completed, failed} - (found := await samples(service)).keys():
            await asyncio.sleep(0.1)
    assert found[completed] >= 1
    assert found["agenciaos_run_duration_seconds_count", frozenset({("task", "generate-ai-content")})] >= 1
    assert found["agenciaos_openai_tokens_total", frozenset({("model", "gpt-6-luna"), ("kind", "output")})] > 0
    assert found["agenciaos_openai_cost_dollars_total", frozenset({("model", "gpt-6-luna")})] > 0
    assert found["agenciaos_workers", frozenset()] == 1
    route = {("method", "POST"), ("route", "/api/trigger"), ("status", "200")}
    assert found["agenciaos_http_requests_total", frozenset(route)] >= 2


async def test_metrics_tell_what_waits_for_a_worker(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as server:
        for _ in range(3):
            await server.trigger("monthly-report")
        await server.trigger("monthly-report", idempotencyKey="blocked")
        await db.execute("UPDATE jobs.runs SET parked = true, concurrency_key = 'k' WHERE idempotency_key = 'blocked'")
        await server.trigger("monthly-report", delay="1h")
        found = await samples(server)
    assert found["agenciaos_queue_depth", frozenset({("task", "generate-monthly-reports")})] == 3


async def test_the_document_describes_every_payload(service: Service):
    status, document = await service.get("/openapi.json")
    assert (status, document["openapi"]) == (200, "3.1.0")
    assert document["paths"]["/api/trigger"]["post"]["security"] == [{"key": []}]
    schemas = document["components"]["schemas"]
    references = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))
    assert set(references) <= set(schemas)
    assert "$defs" not in json.dumps(document)
    assert "META_ADS_COPY" in schemas["generate-ai-content"]["properties"]["agentType"]["enum"]
    assert schemas["generate-monthly-reports"]["properties"]["month"]


async def test_too_long_an_address_is_refused_as_the_document_says(service: Service):
    _, document = await service.get("/openapi.json")
    async with service.http.get("/healthz", params={"q": "a" * 9000}) as response:
        assert (response.status, response.content_type) == (400, "text/plain")
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "text/plain" in operation["responses"]["400"]["content"]


@pytest.fixture
async def listening(settings: Settings) -> AsyncIterator[Service]:
    async with running_server(settings) as server:
        yield server


PARTS = {"v1": "^/api/v1/", "other": "^/api/(?!v1/)", "rest": "^/(?!api/)"}
"""Of the document, one for each of the processes that read it side by side."""


async def test_the_parts_are_the_whole_document(service: Service):
    _, document = await service.get("/openapi.json")
    for path in document["paths"]:
        assert sum(bool(re.search(part, path)) for part in PARTS.values()) == 1, path


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
async def test_schemathesis_finds_no_5xx_and_no_undocumented_answer(listening: Service, part: str, tmp_path: Path):
    # 501 is what the SDKs get for writing to a stream whose address they may read.
    config = tmp_path / "schemathesis.toml"
    config.write_text('checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501]')
    url = str(listening.http._base_url)
    key = listening.settings.trigger_secret_key.get_secret_value()
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        f"--config-file={config}",
        "run",
        f"{url}openapi.json",
        "-H",
        f"Authorization: Bearer {key}",
    ]
    command += ["--checks", checks, "--max-examples", "8", "--phases", "examples,coverage,fuzzing", "--no-color"]
    command += ["--include-path-regex", part]
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}  # it is not ours
    process = await asyncio.create_subprocess_exec(*command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, output.decode()[-6000:]
