"""Silence: an active subscription whose paid period is over, and nothing has arrived since."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from support.clock import FrozenClock
from support.guru import EMAIL, PRODUCT, GuruDouble, body
from support.service import Service
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


@pytest.mark.parametrize("days", [None, 10])
async def test_silence_alerts_and_ends_a_plan_only_where_it_is_set(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock, days: int | None
):
    async with serving(settings, clock, silence_days=days) as service:
        await did(service, body("sub_active"))
        clock.set(datetime(2026, 12, 24, 3, 1, tzinfo=UTC))
        assert (await service.outcome("settle-due-payments"))["output"]["silent"] == 1
        assert await db.fetchval("SELECT subjects FROM jobs.alerts WHERE kind = 'payment_silent'") == ["agency-123"]
        assert await plan(db) == "PRO"
        clock.set(datetime(2026, 12, 31, 3, 1, tzinfo=UTC))
        await service.outcome("settle-due-payments")
    assert await plan(db) == ("FREE" if days else "PRO")


RENEWED = {
    "dates__last_status_at": "2026-12-21T09:00:00Z",
    "dates__cycle_end_date": "2027-01-20",
    "dates__cycle_start_date": "2026-12-21",
    "current_invoice__cycle": 2,
    "current_invoice__id": "inv-2",
}


@pytest.mark.parametrize("applies", [False, True])
@pytest.mark.parametrize(
    ("answer", "after", "updated", "corrected", "alerted"),
    [
        (body("sub_canceled", last_status="expired"), "FREE", 1, 1, ["payment_difference"]),
        (body("sub_active", **RENEWED), "PRO", 1, 0, []),
        (body("sub_active"), "PRO", 0, 0, ["payment_silent"]),
        (None, "PRO", 0, 0, ["payment_difference", "payment_silent"]),
    ],
    ids=["it ended", "it was renewed", "nothing newer", "unknown"],
)
async def test_in_silence_the_provider_is_asked_where_there_is_a_key(
    settings: Settings,
    db: asyncpg.Connection,
    clock: FrozenClock,
    guru_double: GuruDouble,
    applies: bool,
    answer: dict[str, Any] | None,
    after: str,
    updated: int,
    corrected: int,
    alerted: list[str],
):
    api = {"dmg_api_key": SecretStr("user-token"), "dmg_api_url": guru_double.url, "reconcile_apply": applies}
    guru_double.knows(body("sub_active"))
    async with serving(settings, clock, **api) as service:
        await did(service, body("sub_active"))
        guru_double.known.clear()
        guru_double.knows(*[answer] if answer else [])
        output = (await service.finished(await silence(service, db, clock)))["output"]
    assert (output["checked"], output["updated"], output["corrected"]) == (1, updated, corrected)
    assert [found["planAfter"] for found in output["differences"]] == [after] * ("payment_difference" in alerted)
    assert await plan(db) == after
    assert await alerts(db) == alerted


async def test_a_silent_subscription_of_a_provider_that_refuses_is_alerted(
    settings: Settings, db: asyncpg.Connection, clock: FrozenClock, guru_double: GuruDouble
):
    api = {"dmg_api_key": SecretStr("user-token"), "dmg_api_url": guru_double.url}
    guru_double.knows(body("sub_active"))
    async with serving(settings, clock, **api) as service:
        await did(service, body("sub_active"))
        guru_double.fails(403)
        assert (await service.finished(await silence(service, db, clock)))["status"] == "FAILED"
    assert await plan(db) == "PRO"
    assert "payment_silent" in await alerts(db)


async def silence(service: Service, db: asyncpg.Connection, clock: FrozenClock) -> str:
    """The run that asks the provider about the subscription once its grace is over."""
    clock.set(datetime(2026, 12, 24, 3, 1, tzinfo=UTC))
    assert (await service.outcome("settle-due-payments"))["output"]["silent"] == 1
    asked: str = await db.fetchval("SELECT id FROM jobs.runs WHERE source = 'silence'")
    clock.pass_(timedelta(seconds=5))
    return asked


async def alerts(db: asyncpg.Connection) -> list[str]:
    return [
        row["kind"] for row in await db.fetch("SELECT kind FROM jobs.alerts WHERE kind LIKE 'payment%' ORDER BY kind")
    ]
