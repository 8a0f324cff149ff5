"""Trust but verify: what Guru's REST API says before a plan is switched on, and every night."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web
from support.clock import FrozenClock
from support.guru import EMAIL, PRODUCT, SALE, UUID, GuruDouble, body
from support.probe import impatient
from support.service import Service, running_service

from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.engine.pacing.brake import OPEN_AFTER
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.payments.guru.api import GuruAPI
from agenciaos_jobs.payments.jobs import process_provider_webhook
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

TASK = "process-guru-webhook"
AT_ONCE = JOBS | {TASK: impatient(JOBS[TASK], Backoff(0.001, 0.001, 1))}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def settings(settings: Settings, guru_double: GuruDouble) -> Settings:
    key = type(settings.trigger_secret_key)("user-token")
    known = {"dmg_api_key": key, "dmg_api_url": guru_double.url, "plan_products": {PRODUCT: "PRO"}}
    return settings.model_copy(update=known | {"cancel_keeps_period": False})


@pytest.fixture(autouse=True)
async def _marina(db: asyncpg.Connection) -> None:
    await db.execute("UPDATE users SET email = $1 WHERE id = 'user-456'", EMAIL)


@asynccontextmanager
async def patient_service(settings: Settings, **more: Any) -> AsyncIterator[Service]:
    """The service with retries that come at once."""
    async with running_service(settings, AT_ONCE, **more) as service:
        yield service


async def did(service: Service, content: dict[str, Any]) -> dict[str, Any]:
    status, answer = await service.post("/webhooks/guru", content)
    assert status == 200
    return await service.finished(answer["jobId"])


async def plan(db: asyncpg.Connection) -> str:
    return await db.fetchval("SELECT plan::text FROM agencies WHERE id = 'agency-123'")


async def test_a_plan_is_switched_on_after_guru_confirms(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble
):
    guru_double.knows(body("tx_approved"), body("sub_active"))
    async with patient_service(settings) as service:
        assert (await did(service, body("tx_approved")))["output"]["action"] == "activated"
        assert (guru_double.requests, guru_double.keys) == ([f"/api/v2/transactions/{SALE}"], {"Bearer user-token"})
        assert (await did(service, body("sub_active")))["output"]["action"] == "unchanged"
        assert (await did(service, body("sub_canceled")))["output"]["action"] == "deactivated"
        assert len(guru_double.requests) == 1, "only what switches a plan on is asked about"
        again = body("sub_active", dates__last_status_at="2026-12-05T10:00:00Z")
        assert (await did(service, again))["output"]["action"] == "activated"
        assert guru_double.requests[1:] == [f"/api/v2/subscriptions/{UUID}"]


OTHER = {
    "items": [],
    "product__offer__id": "x",
    "product__internal_id": "y",
    "product__id": "z",
    "product__marketplace_id": "z",
}
DENIALS = {"unknown": [], "refunded": [body("tx_refunded")], "another product": [body("tx_approved", **OTHER)]}


async def test_what_guru_denies_switches_nothing_on(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble
):
    async with patient_service(settings) as service:
        for name, known in DENIALS.items():
            guru_double.known.clear()
            guru_double.knows(*known)
            run = await did(service, body("tx_approved"))
            assert (run["status"], run["attemptCount"]) == ("COMPLETED", 3), name
            assert (run["output"]["action"], run["output"]["code"]) == ("rejected", "not_confirmed"), name
    assert await plan(db) == "FREE"
    assert await db.fetchval("SELECT count(*) FROM jobs.contracts") == 0
    assert await db.fetchval("SELECT raised FROM jobs.alerts WHERE kind = 'payment_unverified'") == 1


async def test_guru_s_api_may_limit_fail_and_be_late(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble
):
    guru_double.knows(body("tx_approved"))
    guru_double.fails(429, **{"Retry-After": "0"})
    guru_double.fails(503)
    guru_double.script.append(web.Response(text="<html>"))
    async with patient_service(settings) as service:
        run = await did(service, body("tx_approved"))
    assert (run["output"]["action"], run["attemptCount"], await plan(db)) == ("activated", 3, "PRO")


async def test_what_can_t_be_asked_waits_and_is_asked_again(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble, monkeypatch: pytest.MonkeyPatch
):
    guru_double.knows(body("tx_approved"))
    guru_double.fails(401)
    guru_double.fails(500, times=OPEN_AFTER)
    monkeypatch.setattr(process_provider_webhook, "_WAIT_LIMIT", timedelta())
    async with patient_service(settings) as service:
        assert (await did(service, body("tx_approved")))["output"]["code"] == "guru_http_401"
        run = await did(service, body("tx_approved"))
        assert (run["output"]["action"], run["output"]["code"]) == ("unverified", "payment_wait_limit_reached")
        assert await plan(db) == "FREE"
        assert await db.fetchval("SELECT raised FROM jobs.alerts WHERE kind = 'payment_unverified'") == 2
        assert (await service.outcome("settle-due-payments"))["output"]["askedAgain"] == 0
    monkeypatch.undo()
    clock = FrozenClock(NOON)
    clock.set((await db.fetchval("SELECT max(recorded_at) FROM jobs.payment_events")) + timedelta(minutes=61))
    async with patient_service(settings, clock=clock) as service:
        await service.outcome("settle-due-payments")
        again = await db.fetch("SELECT id FROM jobs.runs WHERE source = 'unverified'")
        assert len(again) == 1
        clock.pass_(timedelta(seconds=5))
        assert (await service.finished(again[0]["id"]))["output"]["action"] == "activated"
    assert await plan(db) == "PRO"


async def test_without_a_key_the_token_alone_counts(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble
):
    async with patient_service(settings.model_copy(update={"dmg_api_key": None})) as service:
        assert (await did(service, body("tx_approved")))["output"]["action"] == "activated"
        assert (await service.outcome("reconcile-payments"))["output"]["skipped"]
    assert guru_double.requests == []


@pytest.mark.parametrize("applies", [False, True])
@pytest.mark.parametrize("product", [{}, {"product": [], "items": []}], ids=["listed", "unlisted"])
async def test_the_nightly_comparison_reports_and_applies_only_where_told(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble, applies: bool, product: dict[str, Any]
):
    guru_double.knows(body("sub_active"))
    async with patient_service(settings.model_copy(update={"reconcile_apply": applies})) as service:
        await did(service, body("sub_active"))
        assert (await service.outcome("reconcile-payments"))["output"]["differences"] == []
        guru_double.knows(body("sub_canceled") | product)
        guru_double.fails(429, **{"Retry-After": "0"})
        output = (await service.outcome("reconcile-payments"))["output"]
        assert (output["checked"], output["corrected"], output["updated"]) == (1, int(applies), int(applies))
        after = "FREE" if applies else "PRO"
        (found,) = output["differences"]
        assert (found["agencyId"], found["plan"], found["planByProvider"]) == ("agency-123", "PRO", "FREE")
        assert (found["planAfter"], found["reason"]) == (after, "by its data: canceled")
        if applies:
            assert (await service.outcome("reconcile-payments"))["output"]["differences"] == []
            actions = [row["action"] for row in await db.fetch("SELECT action FROM jobs.payment_events ORDER BY id")]
            assert actions == ["activated", "deactivated"], "what is known already is not recorded every night"
    assert await plan(db) == after
    alert = await db.fetchrow("SELECT subjects, details FROM jobs.alerts WHERE kind = 'payment_difference'")
    assert (alert["subjects"], json.loads(alert["details"])["plan"]) == (["agency-123"], "PRO")


async def test_the_api_s_errors_are_told_apart(guru_double: GuruDouble):
    clock = FrozenClock(NOON)
    api = GuruAPI(clock, api_key="k", base_url=guru_double.url)
    try:
        guru_double.fails(429, **{"Retry-After": "17"})
        guru_double.fails(429, **{"Retry-After": "Tue, 24 Nov 2026 12:01:00 GMT"})
        guru_double.fails(429, **{"Retry-After": "soon"})
        waits = []
        for _ in range(3):
            with pytest.raises(RetryLater) as caught:
                await api.transaction("a/../b")
            waits.append(caught.value.after)
        assert waits == [timedelta(seconds=17), timedelta(minutes=1), None]
        assert guru_double.requests[0] == "/api/v2/transactions/a/../b"
        guru_double.fails(403)
        with pytest.raises(GiveUp, match="403"):
            await api.subscription("x")
        assert await api.subscription("x") is None
    finally:
        await api.close()
    guru_double.is_hanging = True
    hurried = GuruAPI(clock, api_key="k", base_url=guru_double.url, timeout=aiohttp.ClientTimeout(total=0.05))
    with pytest.raises(RetryLater, match="did not answer in time"):
        await hurried.transaction("x")
    await hurried.close()
    away = GuruAPI(clock, api_key="k", base_url="http://127.0.0.1:9")
    with pytest.raises(RetryLater, match="could not be reached"):
        await away.transaction("x")
    await away.close()
