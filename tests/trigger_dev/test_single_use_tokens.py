"""Public tokens for a single trigger: used up by one that makes or finds a run, and by nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from support.public_tokens import bearer
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
