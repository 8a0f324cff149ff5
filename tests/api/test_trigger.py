"""POST /api/trigger and the errors of every endpoint."""

import asyncio

import aiohttp
import asyncpg
import pytest
from support.service import Service, running_server

from agenciaos_jobs.settings import Settings

REPORT = {"type": "monthly-report", "payload": {}}
PAYMENT = {
    "event": "payment.approved",
    "customerId": "agency-123",
    "productId": "pro-monthly",
    "amount": 97.00,
    "status": "paid",
}


@pytest.fixture
async def server(settings: Settings):
    async with running_server(settings) as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "task"),
    [
        ("ai-content", "generate-ai-content"),
        ("generate-ai-content", "generate-ai-content"),
        ("payment-webhook", "process-payment-webhook"),
        ("process-payment-webhook", "process-payment-webhook"),
        ("monthly-report", "generate-monthly-reports"),
        ("monthly-reports", "generate-monthly-reports"),
        ("generate-monthly-reports", "generate-monthly-reports"),
    ],
)
async def test_every_name_of_a_job_starts_it(server: Service, kind: str, task: str):
    ai = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
    payload = {"generate-ai-content": ai, "process-payment-webhook": PAYMENT, "generate-monthly-reports": {}}[task]
    status, body = await server.post("/api/trigger", {"type": kind, "payload": payload})
    assert (status, body["success"]) == (200, True)
    assert body["jobId"].startswith("run_")
    assert body["message"]
    run = await server.run(body["jobId"])
    assert (run["taskIdentifier"], run["status"], run["payload"]) == (task, "QUEUED", payload)


async def test_unknown_type_answers_as_the_application_did(server: Service):
    status, body = await server.post("/api/trigger", {"type": "nope", "payload": {}})
    assert (status, body["error"]) == (400, "Tipo de job não reconhecido")
    assert "monthly-report" in body["expected"]


@pytest.mark.parametrize(
    ("language", "message", "detail"),
    [
        ("pt-BR,pt;q=0.9", "campo obrigatório", "Há campos inválidos na requisição"),
        ("en-US,en;q=0.9,pt;q=0.1", "Field required", "The request has invalid fields"),
        ("fr", "campo obrigatório", "Há campos inválidos na requisição"),
    ],
)
async def test_each_wrong_field_is_named_in_the_readers_language(server: Service, language, message, detail):
    body = {"type": "payment-webhook", "payload": {"event": "payment.approved", "amount": "muito"}}
    status, problem = await server.post("/api/trigger", body, **{"Accept-Language": language})
    fields = {error["field"]: error for error in problem["errors"]}
    assert status == 422
    assert problem["detail"] == detail
    assert problem["error"].startswith(f"{detail}: payload.")
    assert set(fields) == {"payload.customerId", "payload.amount"}
    assert fields["payload.customerId"]["message"] == message
    assert "muito" not in str(problem)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": 5}, "type"),
        ({"type": "monthly-report", "payload": []}, "payload"),
        ({"type": "monthly-report", "payload": {"month": "2026-13"}}, "payload.month"),
        ({**REPORT, "delay": "soon"}, "delay"),
        ({**REPORT, "delay": "9000w"}, "delay"),
        ({**REPORT, "tags": ["t"] * 11}, "tags"),
        ({**REPORT, "tags": [""]}, "tags.0"),
        ({**REPORT, "idempotencyKey": "k" * 2049}, "idempotencyKey"),
        ({"type": "monthly-report", "payload": {"agencyId": "a\0"}}, "payload.agencyId"),
        ({"type": "payment-webhook", "payload": {**PAYMENT, "occurredAt": 1790000000}}, "payload.occurredAt"),
        (
            {"type": "payment-webhook", "payload": {**PAYMENT, "occurredAt": "2026-11-20T10:00:00"}},
            "payload.occurredAt",
        ),
        (
            {"type": "ai-content", "payload": {"agencyId": "a", "agentType": "X", "input": {"a": 1}}},
            "payload.agentType",
        ),
        (
            {"type": "ai-content", "payload": {"agencyId": "a", "agentType": "CRM_FOLLOW_UP", "input": {}}},
            "payload.input",
        ),
        (
            {
                "type": "ai-content",
                "payload": {"agencyId": "a", "agentType": "CRM_FOLLOW_UP", "input": {"a": "x" * 40_001}},
            },
            "payload.input",
        ),
        (
            {
                "type": "ai-content",
                "payload": {
                    "agencyId": "a",
                    "agentType": "CRM_FOLLOW_UP",
                    "input": {f"n{number}": "x" * 39_000 for number in range(2)},
                },
            },
            "payload.input",
        ),
    ],
)
async def test_bad_fields_are_422_and_leave_no_run(server: Service, db: asyncpg.Connection, body, field):
    status, problem = await server.post("/api/trigger", body)
    assert status == 422
    assert field in [error["field"] for error in problem["errors"]]
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0


async def test_what_is_not_json_is_400_or_415(server: Service):
    for content, kind, status in [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b'{"type": "\\ud800}', "application/json", 400),
        (b"\xff", "application/json", 400),
    ]:
        async with server.http.post("/api/trigger", data=content, headers={"Content-Type": kind}) as response:
            assert response.status == status
            assert response.content_type == "application/problem+json"
            assert (await response.json())["error"]


async def test_a_body_over_3_mb_is_413_also_in_chunks(server: Service):
    async def chunks():
        for _ in range(4):
            yield b" " * 1024 * 1024

    for body in (b" " * (3 * 1024 * 1024 + 1), chunks()):
        headers = {"Content-Type": "application/json"}
        async with server.http.post("/api/trigger", data=body, headers=headers) as response:
            assert response.status == 413
            assert (await response.json())["status"] == 413


async def test_a_slow_body_is_cut_off(settings: Settings):
    async def dripping():
        yield b'{"type":'
        await asyncio.sleep(30)

    async with running_server(settings.model_copy(update={"body_timeout": 0.2})) as server:
        headers = {"Content-Type": "application/json"}
        async with server.http.post("/api/trigger", data=dripping(), headers=headers) as response:
            assert response.status == 408


async def test_unknown_addresses_and_methods(server: Service):
    async with server.http.get("/nowhere") as response:
        assert response.status == 404
        assert (await response.json())["error"]
    async with server.http.get("/api/trigger") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
    assert (await server.get("/api/v3/runs/run_nope"))[0] == 404
    assert (await server.get("/api/v3/runs/run_%00"))[0] == 404


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", "Basic dHJfdGVzdA==", "Bearer tr_test_0123456789x", "Bearer ü"]
)
async def test_without_the_key_nothing_opens(server: Service, given: str):
    headers = {"Authorization": given}
    async with aiohttp.ClientSession(server.http._base_url) as stranger:
        for method, path in (("POST", "/api/trigger"), ("GET", "/api/v3/runs/run_1")):
            async with stranger.request(method, path, json=REPORT, headers=headers) as response:
                assert response.status == 401
                assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_an_idempotency_key_makes_one_run(server: Service, db: asyncpg.Connection):
    answers = await asyncio.gather(
        *[server.post("/api/trigger", {**REPORT, "idempotencyKey": "october"}) for _ in range(30)]
    )
    assert {status for status, _ in answers} == {200}
    assert len({body["jobId"] for _, body in answers}) == 1
    assert sum(not body.get("isCached", False) for _, body in answers) == 1
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 1
    other = {**REPORT, "payload": {"month": "2026-01"}, "idempotencyKey": "october"}
    status, problem = await server.post("/api/trigger", other)
    assert (status, problem["jobId"]) == (409, answers[0][1]["jobId"])


@pytest.mark.parametrize("tags", [[], ["one"], ["agência:1", 'quote " comma , brace }']])
async def test_tags_stay_with_the_run(server: Service, tags: list[str]):
    assert (await server.run(await server.trigger("monthly-report", tags=tags)))["tags"] == tags


async def test_a_key_may_be_as_long_as_allowed(server: Service):
    key = "".join(chr(0x10000 + 97 * number) for number in range(2048))
    assert await server.trigger("monthly-report", idempotencyKey=key) == await server.trigger(
        "monthly-report", idempotencyKey=key
    )


async def test_a_failed_run_frees_its_key(server: Service, db: asyncpg.Connection):
    first = await server.trigger("monthly-report", idempotencyKey="k")
    await db.execute("UPDATE jobs.runs SET status = 'FAILED'")
    assert await server.trigger("monthly-report", idempotencyKey="k") != first


async def test_a_delayed_run_waits(server: Service):
    run = await server.run(await server.trigger("monthly-report", delay="1h"))
    assert (run["status"], run["isQueued"]) == ("DELAYED", True)
    assert run["delayedUntil"] > run["createdAt"]
    past = await server.run(await server.trigger("monthly-report", delay="2020-01-01T00:00:00Z"))
    assert past["status"] == "QUEUED"


async def test_a_request_id_goes_through_to_the_run(server: Service, db: asyncpg.Connection):
    async with server.http.post("/api/trigger", json=REPORT, headers={"X-Request-Id": "req-from-app"}) as response:
        assert response.headers["X-Request-Id"] == "req-from-app"
    assert await db.fetchval("SELECT request_id FROM jobs.runs") == "req-from-app"
    async with server.http.get("/healthz", headers={"X-Request-Id": "a b\tc"}) as response:
        assert response.headers["X-Request-Id"].startswith("req_")
