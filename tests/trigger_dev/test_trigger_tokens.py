"""Public tokens that trigger: which tasks, for which agency, how often, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from support.node import SDK_LINES, needs_node, run_node
from support.public_tokens import token
from support.sdk import running_with_test_jobs
from support.service import Service, running_server

from agenciaos_jobs.http import fixed_window
from agenciaos_jobs.settings import Settings

REPORT = "generate-monthly-reports"
TRIGGER = f"/api/v1/tasks/{REPORT}/trigger"


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running_with_test_jobs(settings) as service:
        yield service


def bearer(*scopes: str, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(*scopes, **claims)}"}


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


async def test_a_single_use_token_triggers_once_whoever_asks_first(service: Service):
    once = bearer(f"trigger:tasks:{REPORT}", otu=True)
    refused, _ = await service.post(TRIGGER, {"payload": {"month": "2026-13"}}, **once)
    answers = await asyncio.gather(*(service.post(TRIGGER, {"payload": {}}, **once) for _ in range(10)))
    assert refused == 422
    assert sorted(status for status, _ in answers) == [200] + 9 * [403]


@pytest.mark.parametrize(
    ("path", "body", "mended", "headers"),
    [
        (TRIGGER, {"options": {"debounce": {"key": "k", "delay": "10ms"}}}, {"payload": {}}, {}),
        (
            "/api/v1/tasks/batch",
            {"items": [{"task": REPORT, "payload": {}}]},
            {"items": [{"task": REPORT, "payload": {}}]},
            {"idempotency-key": "k", "idempotency-key-ttl": "soon"},
        ),
        (
            "/api/v3/batches",
            {"runCount": 1, "idempotencyKey": "k"},
            {"runCount": 1},
            {"idempotency-key-ttl": "soon"},
        ),
    ],
)
async def test_an_invalid_request_leaves_the_token_usable(
    service: Service, path: str, body: dict[str, Any], mended: dict[str, Any], headers: dict[str, str]
):
    once = bearer(f"trigger:tasks:{REPORT}", f"batchTrigger:tasks:{REPORT}", otu=True)
    assert (await service.post(path, body, **once, **headers))[0] == 422
    assert (await service.post(path, mended, **once))[0] == 200


async def test_the_same_request_repeated_gets_its_run_again(service: Service):
    once = bearer(f"trigger:tasks:{REPORT}", otu=True) | {"x-trigger-request-idempotency-key": "one-request"}
    first, second = [await service.post(TRIGGER, {"payload": {}}, **once) for _ in range(2)]
    assert (first[0], second[0]) == (200, 200)
    assert first[1]["id"] == second[1]["id"]


@pytest.mark.parametrize("more", [{}, {"debounce": {"key": "k", "delay": "1h"}}])
async def test_a_key_in_use_with_another_payload_leaves_the_token_usable(settings: Settings, more: dict[str, Any]):
    options = {"idempotencyKey": "theirs"} | more
    other, found = [{"payload": {"agencyId": name}, "options": options} for name in ("agency-123", "agency-456")]
    once = bearer("trigger:tasks", otu=True)
    async with running_server(settings) as server:
        await server.post(TRIGGER, found)
        assert (await server.post(TRIGGER, other, **once))[0] == 409
        # A run that is found uses the token up as well.
        assert [(await server.post(TRIGGER, found, **once))[0] for _ in range(2)] == [200, 403]


async def test_refusals_of_every_other_kind_leave_the_token_usable(service: Service):
    once = bearer(f"trigger:tasks:{REPORT}", "trigger:tasks:no-task", "agency:agency-123", otu=True)
    mine = {"payload": {"agencyId": "agency-123"}}
    refused = [
        (TRIGGER, {"payload": {"agencyId": "agency-456"}}, 403),
        ("/api/v1/tasks/no-task/trigger", mine, 404),
        (TRIGGER, {"payload": {"agencyId": "a" * 3_500_000}}, 413),
        (TRIGGER, {"payload": {"month": "2026-13"}}, 422),
    ]
    for path, body, expected in refused:
        assert (await service.post(path, body, **once))[0] == expected
    assert (await service.post(TRIGGER, mine, **once))[0] == 200


async def test_a_request_over_the_rate_limit_leaves_the_token_usable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fixed_window, "WINDOW", 1_000_000_000)  # no window ends in between
    once = bearer("trigger:tasks", otu=True)
    async with running_server(settings.model_copy(update={"rate_limit_address": 1})) as limited:
        await limited.get("/api/v1/runs", **bearer("read:runs"))
        assert (await limited.post(TRIGGER, {"payload": {}}, **once))[0] == 429
    async with running_server(settings) as server:
        assert (await server.post(TRIGGER, {"payload": {}}, **once))[0] == 200


FAILING = """
    CREATE FUNCTION jobs.fail_in_test() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'shut down' USING ERRCODE = 'admin_shutdown'; END $$;
    CREATE TRIGGER fail_in_test AFTER INSERT ON jobs.runs EXECUTE FUNCTION jobs.fail_in_test();
"""


@pytest.mark.parametrize("path", [TRIGGER, "/api/v1/tasks/batch"])
async def test_a_transaction_that_fails_makes_no_run_and_leaves_the_token_usable(
    service: Service, db: asyncpg.Connection, path: str
):
    once = bearer("trigger:tasks", "batchTrigger:tasks", otu=True)
    body = {"payload": {}} if path == TRIGGER else {"items": [{"task": REPORT, "payload": {}}]}
    await db.execute(FAILING)
    try:
        assert (await service.post(path, body, **once))[0] == 503
    finally:
        await db.execute("DROP FUNCTION jobs.fail_in_test CASCADE")
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0
    assert [(await service.post(path, body, **once))[0] for _ in range(2)] == [200, 403]


@pytest.mark.parametrize("more", [{}, {"idempotencyKey": "k"}, {"debounce": {"key": "k", "delay": "1h"}}])
async def test_of_parallel_uses_on_two_servers_one_makes_a_run(
    settings: Settings, db: asyncpg.Connection, more: dict[str, Any]
):
    once = bearer("trigger:tasks", otu=True)
    body = {"payload": {}, "options": more}
    async with running_server(settings) as one, running_server(settings) as other:
        answers = await asyncio.gather(*(server.post(TRIGGER, body, **once) for server in (one, other) * 10))
    assert sorted(status for status, _ in answers) == [200] + 19 * [403]
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 1


async def test_refused_and_valid_uses_at_once_make_one_run(settings: Settings, db: asyncpg.Connection):
    taken = {"payload": {}, "options": {"idempotencyKey": "theirs"}}
    once = bearer("trigger:tasks", otu=True)
    async with running_server(settings) as server:
        await server.post(TRIGGER, taken | {"payload": {"agencyId": "agency-456"}})
        answers = await asyncio.gather(*(server.post(TRIGGER, body, **once) for body in [taken, {"payload": {}}] * 8))
    assert [status for status, _ in answers].count(200) == 1
    assert {status for status, _ in answers} <= {200, 403, 409}
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 2


async def test_the_items_of_a_batch_in_two_steps_use_the_token_up(service: Service, db: asyncpg.Connection):
    once = bearer("batchTrigger:tasks", otu=True)
    two = {"runCount": 1, "taskIdentifiers": [REPORT]}

    async def add(batch_id: str, **item: Any) -> int:
        line = json.dumps({"index": 0, "task": REPORT, "payload": {}} | item)
        path, headers = f"/api/v3/batches/{batch_id}/items", once | {"Content-Type": "application/x-ndjson"}
        async with service.http.post(path, data=line, headers=headers) as response:
            return response.status

    refused = (await service.post("/api/v3/batches", two, **once))[1]["id"]
    assert await add(refused, payload={"month": "2026-13"}) == 422
    assert await add("batch_of_nobody") == 404
    batches = [(await service.post("/api/v3/batches", two, **once))[1]["id"] for _ in range(5)]
    answers = await asyncio.gather(*map(add, batches))
    assert sorted(answers) == [200] + 4 * [403]
    used = batches[answers.index(200)]
    assert (await add(used), await add(used, index=1), await add(refused)) == (200, 422, 403)
    assert (await service.post("/api/v3/batches", two, **once))[0] == 403
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 1


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
