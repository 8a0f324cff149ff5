"""Public tokens that trigger: which tasks, for which agency, and nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.node import SDK_LINES, needs_node, run_node
from support.public_tokens import bearer
from support.sdk import running_with_test_jobs
from support.service import Service, running_server

from agenciaos_jobs.settings import Settings

REPORT = "generate-monthly-reports"
TRIGGER = f"/api/v1/tasks/{REPORT}/trigger"


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running_with_test_jobs(settings) as service:
        yield service


@pytest.mark.parametrize(
    ("scope", "single", "batch"),
    [
        (f"trigger:tasks:{REPORT}", 200, 403),
        (f"batchTrigger:tasks:{REPORT}", 403, 200),
        ("trigger:tasks", 200, 403),
        ("trigger:tasks:echo", 403, 403),
        ("batchTrigger:tasks:echo", 403, 403),
        ("read:tasks", 403, 403),
        ("write:tasks", 403, 403),
    ],
)
async def test_scopes_name_the_tasks_that_may_start(service: Service, scope: str, single: int, batch: int):
    item = {"task": REPORT, "payload": {}}
    assert (await service.post(TRIGGER, {"payload": {}}, **bearer(scope)))[0] == single
    for path in ("/api/v1/tasks/batch", "/api/v2/tasks/batch"):
        assert (await service.post(path, {"items": [item]}, **bearer(scope)))[0] == batch
    two_steps = {"runCount": 1, "taskIdentifiers": [REPORT]}
    assert (await service.post("/api/v3/batches", two_steps, **bearer(scope)))[0] == batch


async def test_an_item_of_another_task_refuses_the_batch(service: Service):
    items = [{"task": REPORT, "payload": {}}, {"task": "echo", "payload": {}}]
    status, problem = await service.post(
        "/api/v1/tasks/batch", {"items": items}, **bearer(f"batchTrigger:tasks:{REPORT}")
    )
    assert (status, "echo" in problem["error"]) == (403, True)
    assert (await service.get("/api/v1/runs"))[1]["data"] == []


async def test_a_refusal_speaks_of_triggering_and_reaches_the_page(service: Service):
    headers = bearer("read:runs") | {"Origin": "https://app.agenciaos.com.br", "Accept-Language": "en"}
    async with service.http.post(TRIGGER, json={}, headers=headers) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "triggering" in (await response.json())["error"]


@pytest.mark.parametrize("claims", [{"sub": "agency:agency-123"}, {"scopes": ["trigger:tasks", "agency:agency-123"]}])
async def test_a_token_of_an_agency_triggers_for_no_other(service: Service, claims: dict[str, Any]):
    headers = bearer("trigger:tasks", **claims)
    for agency, expected in (("agency-123", 200), ("agency-456", 403)):
        body = {"payload": {"agencyId": agency}}
        assert (await service.post(TRIGGER, body, **headers))[0] == expected
    assert (await service.post(TRIGGER, {"payload": {}}, **headers))[0] == 403  # the report of every agency


async def test_the_answer_brings_a_token_that_reads_the_run_alone(service: Service):
    async with service.http.post(TRIGGER, json={"payload": {}}, headers=bearer("trigger:tasks")) as response:
        run_id, reading = (await response.json())["id"], response.headers["x-trigger-jwt"]
    other = await service.trigger("monthly-report")
    for seen, expected in ((run_id, 200), (other, 403)):
        assert (await service.get(f"/api/v3/runs/{seen}", Authorization=f"Bearer {reading}"))[0] == expected


async def test_a_key_of_another_payload_does_not_open_its_run(settings: Settings):
    options = {"idempotencyKey": "theirs"}
    body = {"payload": {"agencyId": "agency-123"}, "options": options}
    async with running_server(settings) as server:
        await server.post(TRIGGER, {"payload": {"agencyId": "agency-456"}, "options": options})
        async with server.http.post(TRIGGER, json=body, headers=bearer("trigger:tasks")) as response:
            assert (response.status, response.headers.get("x-trigger-jwt")) == (409, None)


@needs_node
@pytest.mark.parametrize("line", SDK_LINES)
async def test_the_sdks_own_trigger_tokens(service: Service, line: str):
    seen = await run_node(service, "trigger_token.mjs", line)
    assert seen["first"]["answer"]["output"] == {"n": 1}
    assert seen["again"]["error"]["status"] == 403
    assert [run["answer"]["output"] for run in seen["many"]] == [{"n": 2}, {"n": 3}]
    assert seen["other"]["error"]["status"] == 403
    assert seen["batch"]["answer"] == 2
    assert seen["cancel"]["error"]["status"] == 403
    assert seen["large"]["answer"] == 300_000
