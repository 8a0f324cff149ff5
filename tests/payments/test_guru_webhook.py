"""POST /webhooks/guru: who is believed, what is kept, what is answered."""

import json
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from support.guru import EMAIL, PRODUCT, TOKEN, body
from support.service import Service, running_server, running_service

from agenciaos_jobs.settings import Settings

DOORS = ["/webhooks/guru", "/api/trigger"]
NO_KEY = {"Authorization": ""}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO"}})


@pytest.fixture(autouse=True)
async def _marina(db: asyncpg.Connection) -> None:
    await db.execute("UPDATE users SET email = $1 WHERE id = 'user-456'", EMAIL)


async def send(service: Service, content: Any, path: str = DOORS[0]) -> tuple[int, dict[str, Any]]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    async with service.http.post(path, data=data, headers={**NO_KEY, "Content-Type": "application/json"}) as response:
        return response.status, await response.json()


async def test_a_body_with_the_token_is_kept_and_switches_the_plan_on(service: Service, db: asyncpg.Connection):
    status, answer = await send(service, body("tx_approved"))
    assert (status, answer["success"]) == (200, True)
    run = await service.finished(answer["jobId"])
    assert (run["output"]["action"], run["output"]["agencyId"]) == ("activated", "agency-123")
    assert await db.fetchval("SELECT plan::text FROM agencies WHERE id = 'agency-123'") == "PRO"
    assert await db.fetchval("SELECT agency_id FROM jobs.runs WHERE id = $1", run["id"]) == "agency-123"


async def test_it_may_come_wrapped_and_where_the_application_told_its_users(service: Service):
    wrapped = {"payload": body("tx_approved"), "attempts": 2, "request_id": "r-1"}
    for path, content in ((DOORS[0], wrapped), (DOORS[1], body("tx_approved")), (DOORS[1], wrapped)):
        status, answer = await send(service, content, path)
        assert status == 200
        assert (await service.finished(answer["jobId"]))["output"]["planAfter"] == "PRO"


async def test_the_application_s_own_caller_may_pass_a_guru_body_on(service: Service):
    status, answer = await service.post("/api/trigger", {"type": "payment-webhook", "payload": body("sub_active")})
    assert status == 200
    assert (await service.finished(answer["jobId"]))["output"]["action"] == "activated"


async def test_the_token_reaches_neither_table_nor_log(service: Service, db: asyncpg.Connection, capsys):
    sent = body("tx_approved", contact__name=f"said {TOKEN}") | {"again": [{"api_token": TOKEN}]}
    _, answer = await send(service, {"payload": sent, "api_token": TOKEN})
    run = await service.finished(answer["jobId"])
    assert run["payload"]["payload"]["contact"]["name"] == "said [redacted]"
    stored = await db.fetch(
        "SELECT payload::text AS text FROM jobs.runs UNION ALL SELECT payload::text FROM jobs.payment_events"
    )
    assert len(stored) == 2
    assert not [row["text"] for row in stored if TOKEN in row["text"] or "api_token" in row["text"]]
    assert TOKEN not in capsys.readouterr().out


async def test_a_wrong_token_is_refused_and_nothing_is_kept(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as server:
        for path in DOORS:
            for token in ("B" * 40, "", "A" * 39, "A" * 41, 7, None, ["A" * 40]):
                status, answer = await send(server, body("tx_approved", api_token=token), path)
                assert (status, "error" in answer) == (401, True)
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0


async def test_both_tokens_are_good_while_the_account_s_is_rotated(settings: Settings, db: asyncpg.Connection):
    new = "N" * 40
    rotating = {"dmg_webhook_secret": SecretStr(new), "dmg_webhook_secret_previous": SecretStr(TOKEN)}
    async with running_server(settings.model_copy(update=rotating)) as server:
        for token in (TOKEN, new):
            assert (await send(server, body("tx_approved", api_token=token)))[0] == 200
        assert (await send(server, body("tx_approved", api_token="B" * 40)))[0] == 401
    stored = [row["payload"] for row in await db.fetch("SELECT payload FROM jobs.runs")]
    assert len(stored) == 2
    assert not [payload for payload in stored if TOKEN in payload or new in payload]


async def test_wrong_tokens_raise_one_alert_that_counts_them(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings.model_copy(update={"trusted_proxies": 1})) as server:
        for _ in range(3):
            forwarded = {"X-Forwarded-For": "203.0.113.9"}
            sent = body("tx_approved", api_token="wrong" * 8)
            async with server.http.post(DOORS[0], json=sent, headers={**NO_KEY, **forwarded}) as response:
                assert response.status == 401
    alerts = await db.fetch("SELECT kind, key, raised, subjects FROM jobs.alerts")
    assert [tuple(alert) for alert in alerts] == [("wrong_token", "guru", 3, ["203.0.113.9"])]


ODD = {
    "an object nobody knows": json.dumps({"api_token": TOKEN, "webhook_type": "eticket"}).encode(),
    "a status nobody knows": json.dumps(body("tx_approved", status="teleported")).encode(),
    "no id": json.dumps(body("tx_approved", id=None)).encode(),
    "a null character": json.dumps(body("tx_approved", contact__name="a\0b")).encode(),
    "half a character": json.dumps(body("tx_approved", contact__name="\ud83d")).encode(),
    "a huge number": json.dumps(body("tx_approved", payment__gross=10**60)).encode(),
    "no number": json.dumps(body("tx_approved", payment__gross=float("nan"))).encode(),
    "an infinite number": json.dumps(body("tx_approved")).replace("284.53", "1e999").encode(),
    "deep nesting": b'{"api_token": "' + TOKEN.encode() + b'", "x": ' + b"[" * 500 + b"]" * 500 + b"}",
    "deeper nesting": b'{"api_token": "' + TOKEN.encode() + b'", "x": ' + b"[" * 9000 + b"]" * 9000 + b"}",
    "half a body": json.dumps(body("tx_approved")).encode()[:900],
    "no UTF-8": json.dumps(body("tx_approved"), ensure_ascii=False).encode("latin-1"),
    "a form": f"api_token={TOKEN}&webhook_type=transaction&id=1".encode(),
    "a list": f'[{{"api_token": "{TOKEN}"}}]'.encode(),
}


async def test_what_is_authentic_is_kept_understood_or_not(service: Service, db: asyncpg.Connection):
    for name, content in ODD.items():
        status, answer = await send(service, content)
        assert status == 200, (name, answer)
        run = await service.finished(answer["jobId"])
        assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1), name
        event = await db.fetchrow("SELECT * FROM jobs.payment_events WHERE run_id = $1", run["id"])
        assert (event["action"] == "ignored") == (event["event"] == "unknown"), name
        assert event["reason"]
        assert TOKEN not in json.dumps(run)
    ignored = await db.fetch("SELECT code FROM jobs.payment_events WHERE action = 'ignored'")
    assert {row["code"] for row in ignored} == {
        "unknown_webhook_type",
        "unknown_status",
        "missing_id",
        "not_json",
        "not_an_object",
    }


async def test_what_carries_no_token_is_refused(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as server:
        for content in (b"", b"x", b"[]", b"null", b"{", b'{"payload": {}}', b'{"payload": []}'):
            for path in DOORS:
                assert (await send(server, content, path))[0] == 401
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0


async def test_without_a_secret_guru_is_asked_to_come_again(settings: Settings):
    async with (
        running_server(settings.model_copy(update={"dmg_webhook_secret": None})) as server,
        server.http.post("/webhooks/guru", json=body("tx_approved")) as response,
    ):
        assert (response.status, response.headers["Retry-After"]) == (503, "60")


async def test_the_internal_job_has_no_public_name(service: Service):
    status, answer = await service.post("/api/trigger", {"type": "process-guru-webhook", "payload": {}})
    assert (status, "process-guru-webhook" in answer["expected"]) == (400, False)


async def test_a_body_that_was_kept_is_dealt_with_when_a_worker_comes(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as server:
        _, answer = await send(server, body("sub_active"))
        stored = await db.fetchrow("SELECT status, payload FROM jobs.runs")
        assert (stored["status"], json.loads(stored["payload"])["internal_id"]) == (
            "QUEUED",
            body("sub_active")["internal_id"],
        )
    async with running_service(settings) as service:
        assert (await service.finished(answer["jobId"]))["output"]["planAfter"] == "PRO"
