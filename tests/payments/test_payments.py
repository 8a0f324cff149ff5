"""process-payment-webhook: the normalised body, and what it does to a plan."""

import asyncio
from decimal import Decimal

import asyncpg
import pytest
from support.service import Service

APPROVED = {
    "event": "payment.approved",
    "customerId": "agency-123",
    "productId": "pro-monthly",
    "amount": 97.00,
    "status": "paid",
}


async def plan(db: asyncpg.Connection) -> str:
    return await db.fetchval("SELECT plan::text FROM agencies WHERE id = 'agency-123'")


async def test_an_approved_payment_switches_the_plan_on(service: Service, db: asyncpg.Connection):
    before = await db.fetchval("""SELECT "updatedAt" FROM agencies WHERE id = 'agency-123'""")
    run = await service.outcome("payment-webhook", {**APPROVED, "amount": 29.37, "eventId": "e1"})
    assert run["status"] == "COMPLETED"
    assert (run["output"]["planBefore"], run["output"]["planAfter"]) == ("FREE", "PRO")
    assert await plan(db) == "PRO"
    assert await db.fetchval("""SELECT "updatedAt" FROM agencies WHERE id = 'agency-123'""") > before
    event = await db.fetchrow("SELECT * FROM jobs.payment_events")
    assert (event["run_id"], event["action"], event["agency_id"]) == (run["id"], "activated", "agency-123")
    assert event["amount"] == Decimal("29.37")
    assert "FREE → PRO" in event["reason"]


@pytest.mark.parametrize("word", ["refunded", "chargeback", "canceled", "expired"])
async def test_what_takes_the_plan_back(service: Service, db: asyncpg.Connection, word: str):
    await service.outcome("payment-webhook", APPROVED)
    run = await service.outcome("payment-webhook", {**APPROVED, "event": f"payment.{word}", "status": word})
    assert (run["output"]["action"], await plan(db)) == ("deactivated", "FREE")


async def test_anything_else_is_recorded_and_changes_nothing(service: Service, db: asyncpg.Connection):
    body = {**APPROVED, "event": "payment.pending", "status": "waiting_payment"}
    run = await service.outcome("payment-webhook", body)
    assert (run["status"], run["output"]["action"], await plan(db)) == ("COMPLETED", "unchanged", "FREE")
    assert await db.fetchval("SELECT action FROM jobs.payment_events") == "unchanged"


async def test_the_same_event_many_times_at_once_has_one_effect(service: Service, db: asyncpg.Connection):
    ids = await asyncio.gather(*[service.trigger("payment-webhook", {**APPROVED, "eventId": "e1"}) for _ in range(20)])
    for run_id in ids:
        assert (await service.finished(run_id))["status"] == "COMPLETED"
    actions = [row["action"] for row in await db.fetch("SELECT action FROM jobs.payment_events ORDER BY action")]
    assert actions == ["activated", *["duplicate"] * 19]


async def test_an_older_event_never_overrides(service: Service, db: asyncpg.Connection):
    newer, older = "2026-11-20T12:00:00Z", "2026-11-20T09:00:00-03:00"  # the same moment
    await service.outcome("payment-webhook", {**APPROVED, "status": "refunded", "occurredAt": newer})
    early = {**APPROVED, "occurredAt": "2026-11-20T11:59:59Z"}
    run = await service.outcome("payment-webhook", early)
    assert (run["output"]["action"], await plan(db)) == ("outdated", "FREE")
    run = await service.outcome("payment-webhook", {**APPROVED, "occurredAt": older})
    assert (run["output"]["planAfter"], await plan(db)) == ("FREE", "FREE"), (
        "at the same moment the cautious one counts"
    )
    run = await service.outcome("payment-webhook", {**APPROVED, "occurredAt": "2026-11-20T12:00:01Z"})
    assert (run["output"]["action"], await plan(db)) == ("activated", "PRO")


@pytest.mark.parametrize(
    ("change", "code"), [({"customerId": "nobody"}, "unknown_agency"), ({"productId": "mug"}, "unknown_product")]
)
async def test_unknown_agency_or_product_is_recorded_and_fails(service: Service, db: asyncpg.Connection, change, code):
    run = await service.outcome("payment-webhook", {**APPROVED, **change, "eventId": "e1"})
    assert (run["status"], run["error"]["name"], run["attemptCount"]) == ("FAILED", code, 1)
    event = await db.fetchrow("SELECT * FROM jobs.payment_events")
    assert (event["action"], event["run_id"]) == ("rejected", run["id"])
    assert next(iter(change.values())) in event["reason"]
    assert await plan(db) == "FREE"
    assert await db.fetchval("SELECT count(*) FROM jobs.subscriptions") == 0


async def test_a_rejected_event_may_succeed_when_it_comes_again(service: Service, db: asyncpg.Connection):
    await service.outcome("payment-webhook", {**APPROVED, "productId": "mug", "eventId": "e1"})
    run = await service.outcome("payment-webhook", {**APPROVED, "eventId": "e1"})
    assert (run["output"]["action"], await plan(db)) == ("activated", "PRO")
