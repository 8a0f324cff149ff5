"""Plans that end when they should: whatever the product, in the future, and after paid days."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.clock import FrozenClock
from support.guru import EMAIL, PRODUCT, body
from support.subscription import NOON, did, plan, serving

from agenciaos_jobs.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO"}})


@pytest.fixture(autouse=True)
async def _marina(db: asyncpg.Connection) -> None:
    await db.execute("UPDATE users SET email = $1 WHERE id = 'user-456'", EMAIL)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOON)


UNLISTED: dict[str, dict[str, Any]] = {
    "another offer": {"product": {"offer": {"id": "gold"}}, "items": []},
    "an empty product": {"product": [], "items": []},
    "no product": {"product": None, "items": None},
}
ENDS = {
    "canceled": ("sub_canceled", {}),
    "expired": ("sub_canceled", {"last_status": "expired"}),
    "pastdue": ("sub_pastdue", {"dates__last_status_at": "2026-12-01T09:00:00Z"}),
    "refunded": ("tx_refunded", {}),
    "chargeback": ("tx_chargeback", {"dates__updated_at": "2026-12-01T09:00:00Z"}),
}


@pytest.mark.parametrize("product", UNLISTED.values(), ids=UNLISTED.keys())
async def test_an_ending_counts_whatever_its_product(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock, product: dict[str, Any]
):
    async with serving(settings, clock, cancel_keeps_period=False, payment_grace_days=0) as service:
        for number, (name, changes) in enumerate(ENDS.values()):
            code = {"subscription_code": f"sub_{number}", "id": f"sub_{number}", "internal_id": f"uuid-{number}"}
            begun = body("sub_active", **code)
            assert (await did(service, begun))["action"] == "activated", name
            own = {"subscription": {"subscription_code": f"sub_{number}"}} if name.startswith("tx") else code
            assert (await did(service, body(name, **changes) | own | product))["action"] == "deactivated", name
            assert await plan(db) == "FREE"


async def test_an_ending_that_overtakes_its_beginning_counts_too(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    async with serving(settings, clock) as service:
        ended = body("sub_canceled", last_status="expired", product=[], items=[])
        assert (await did(service, ended))["code"] == "unknown_product"
        assert (await did(service, body("sub_active")))["planAfter"] == "FREE"


async def test_a_renewal_for_an_unlisted_offer_keeps_the_plan_and_alerts_once(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    async with serving(settings, clock) as service:
        await did(service, body("sub_active"))
        for day in (22, 23):
            at = f"2026-11-{day}T09:00:00Z"
            await did(service, body("sub_active", dates__last_status_at=at) | UNLISTED["another offer"])
    assert await plan(db) == "PRO"
    assert await db.fetchval("SELECT raised FROM jobs.alerts WHERE key = 'guru:gold'") == 1


@pytest.mark.parametrize("name", ["sub_active", "tx_approved"])
async def test_a_date_in_the_future_is_capped_and_marked(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock, name: str
):
    future = {"dates__last_status_at": "2099-01-01T00:00:00Z"} if name == "sub_active" else {}
    future |= {"dates__updated_at": "2099-01-01T00:00:00Z", "dates__confirmed_at": "2099-01-01T00:00:00Z"}
    async with serving(settings, clock) as service:
        await did(service, body(name, **future))
        row = await db.fetchrow("SELECT occurred_at, is_capped FROM jobs.payment_events")
        assert (row["is_capped"], row["occurred_at"] <= clock.now()) == (True, True)
        clock.pass_(timedelta(hours=1))
        later = clock.now().isoformat()
        assert (await did(service, body("sub_canceled", last_status="expired", dates__last_status_at=later)))[
            "action"
        ] == "deactivated"


async def test_the_application_s_date_in_the_future_is_capped_too(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    report = {"event": "payment.approved", "status": "paid", "customerId": "agency-123", "productId": PRODUCT}
    async with serving(settings, clock) as service:
        await service.outcome("payment-webhook", report | {"occurredAt": "2099-01-01T00:00:00Z"})
        clock.pass_(timedelta(minutes=1))
        await service.outcome("payment-webhook", report | {"event": "payment.refunded"})
    assert await plan(db) == "FREE"


async def test_a_cancellation_keeps_the_paid_period_and_a_due_job_ends_it(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    async with serving(settings, clock) as service:
        for content in (body("sub_canceled"), body("sub_active"), body("tx_approved")):
            await did(service, content)
        row = await db.fetchrow("SELECT plan, code, due_at FROM jobs.subscriptions")
        ends = datetime(2026, 12, 21, 3, tzinfo=UTC)
        assert tuple(row) == ("PRO", "canceled_paid", ends)
        clock.set(ends)
        await service.outcome("settle-due-payments")
    assert await plan(db) == "FREE"


async def test_a_refund_ends_the_paid_period_of_a_cancelled_subscription(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    async with serving(settings, clock) as service:
        for content in (body("tx_approved"), body("sub_active"), body("sub_canceled"), body("tx_refunded")):
            await did(service, content)
    assert await plan(db) == "FREE"


async def test_a_trial_without_an_end_has_its_days(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    trial = {"last_status": "trial", "trial_finished_at": None, "dates__last_status_at": "2026-12-01T09:00:00Z"}
    async with serving(settings, clock, trial_days=5, payment_grace_days=0) as service:
        await did(service, body("sub_active", charged_times=0, current_invoice=[], **trial))
        assert await db.fetchval("SELECT due_at FROM jobs.subscriptions") == datetime(2026, 12, 6, 9, tzinfo=UTC)


async def test_a_subscriber_who_moved_is_left_to_a_person(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock
):
    other = await db.fetchval("""SELECT email FROM users JOIN agencies ON "ownerId" = users.id
                                 WHERE agencies.id = 'agency-124'""")
    async with serving(settings, clock) as service:
        await did(service, body("sub_active"))
        for day in (22, 23):
            at = f"2026-11-{day}T09:00:00Z"
            moved = await did(service, body("sub_active", subscriber__email=other, dates__last_status_at=at))
            assert moved["agencyId"] == "agency-123"
    moves = await db.fetch("SELECT subjects, raised FROM jobs.alerts WHERE kind = 'payment_moved'")
    assert [tuple(row) for row in moves] == [(["agency-123"], 1)]
