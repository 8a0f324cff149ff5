"""From the webhook to the agency's plan: whose it is, what time does, and that nothing of it is changed afterwards."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from support.clock import FrozenClock
from support.guru import EMAIL, PRODUCT, TOKEN, body
from support.service import Service, running_service, running_worker

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.http import keys
from agenciaos_jobs.payments.assignment import (
    ASSIGNMENTS,
    NotUnmatchedError,
    UnknownAgencyError,
    UnknownPaymentError,
)
from agenciaos_jobs.payments.store import payments
from agenciaos_jobs.payments.words import sentence
from agenciaos_jobs.settings import Settings

NOBODY = {"contact__email": "nobody@example.com", "contact__id": "contact-9", "source": []}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plan_products": {PRODUCT: "PRO"}})


@pytest.fixture(autouse=True)
async def _marina(db: asyncpg.Connection) -> None:
    await db.execute("UPDATE users SET email = $1 WHERE id = 'user-456'", f"  {EMAIL.upper()} ")


@pytest.fixture
async def clock(settings: Settings) -> AsyncIterator[FrozenClock]:
    return FrozenClock(datetime(2026, 11, 24, 12, tzinfo=UTC))


async def deliver(service: Service, content: dict[str, Any]) -> dict[str, Any]:
    """Sends a body and returns the run that dealt with it."""
    status, answer = await service.post("/webhooks/guru", content)
    assert status == 200, answer
    return await service.finished(answer["jobId"])


async def did(service: Service, content: dict[str, Any]) -> tuple[str, str | None]:
    output = (await deliver(service, content))["output"]
    return output["action"], output["agencyId"]


async def plan(db: asyncpg.Connection, agency_id: str = "agency-123") -> str:
    return await db.fetchval("SELECT plan::text FROM agencies WHERE id = $1", agency_id)


async def test_the_life_of_a_subscription(service: Service, db: asyncpg.Connection):
    renewal = {"current_invoice__cycle": 2, "current_invoice__code": "in_2", "dates__cycle_end_date": "2027-01-20"}
    steps = [
        (body("tx_approved"), "activated"),
        (body("sub_active"), "unchanged"),
        (body("sub_active"), "duplicate"),
        (body("sub_active", current_invoice__period_end="2027-01-20", **renewal), "renewed"),
        (body("sub_canceled"), "unchanged"),
        (body("tx_refunded", id="sale-2", invoice__cycle=2, invoice__id="in_2"), "deactivated"),
        (body("tx_approved", dates__updated_at="2026-11-20T13:02:11Z"), "outdated"),
    ]
    assert [(await did(service, content))[0] for content, _ in steps] == [action for _, action in steps]
    says = Formatter("pt", service.app[keys.CLOCK].now())
    story = [sentence(record, says) for record in await payments.history(service.app[keys.DATABASE], "agency-123")]
    assert story[0] == "Pagamento aprovado, ciclo 1: plano FREE → PRO (pagamento aprovado)."
    assert story[3] == "Assinatura ativa, ciclo 2: plano PRO renovado (assinatura ativa), pago até 21/01/2027 00:00."
    left = "plano continua PRO (cancelada, com o período pago por usar), até 21/01/2027 00:00"
    assert story[4] == f"Assinatura cancelada, ciclo 1: {left}."
    assert await plan(db) == "FREE"


async def test_whose_it_is(service: Service, db: asyncpg.Connection):
    by_tracking = body("tx_approved", id="s1", subscription=[], source={"utm_term": "agency-124"}, contact__email=EMAIL)
    assert await did(service, by_tracking) == ("activated", "agency-124")
    by_email = body("tx_approved", id="s2", subscription=[], source=[], contact__email=f" {EMAIL.title()}")
    assert await did(service, by_email) == ("activated", "agency-123")
    known = body("tx_refunded", id="s1", subscription=[], source=[], contact__email=EMAIL)
    assert await did(service, known) == ("deactivated", "agency-124")
    two = body("tx_approved", id="s3", subscription=[], source={"src": "agency-124", "ref": "agency-125"})
    assert await did(service, two) == ("unmatched", None)
    await db.execute(
        """INSERT INTO users (id, email, "agencyId", "updatedAt") VALUES ('u9', $1, 'agency-125', now())""", EMAIL
    )
    await db.execute('UPDATE users SET "emailVerified" = NULL')
    shared = body("tx_approved", subscription=[], source=[])
    assert await did(service, shared | {"id": "s4"}) == ("unchanged", "agency-123"), "an invitation proves nothing"
    await db.execute("UPDATE users SET \"emailVerified\" = now() WHERE id = 'u9'")
    assert await did(service, shared | {"id": "s6"}) == ("activated", "agency-125"), "a verified address does"
    await db.execute('UPDATE users SET "emailVerified" = now()')
    assert await did(service, shared | {"id": "s7"}) == ("unmatched", None)
    assert await did(service, body("tx_approved", id="s5", product=[], items=[])) == ("rejected", None)


async def test_money_items_and_unknown_statuses(service: Service, db: asyncpg.Connection):
    items = [{"offer": {"id": "mug"}, "id": "m"}, {"offer": {"id": PRODUCT}, "id": "p"}]
    free = body("tx_approved", payment__total=0, payment__gross=297.0, product=[], items=items)
    assert await did(service, free) == ("activated", "agency-123")
    assert await db.fetchval("SELECT amount FROM jobs.payment_events") == 0
    for number in (1, 2):
        unknown = body("sub_active", last_status="teleported", dates__last_status_at=f"2026-11-2{number}T09:00:00Z")
        await did(service, unknown)
    raised = await db.fetch("SELECT key, raised FROM jobs.alerts WHERE kind = 'payment_not_understood'")
    assert [tuple(row) for row in raised] == [("guru:teleported", 1)]
    assert await plan(db) == "PRO"


async def test_of_the_application_and_a_provider_the_newer_counts(service: Service, db: asyncpg.Connection):
    report = {"customerId": "agency-123", "productId": PRODUCT, "event": "payment.refunded", "status": "refunded"}
    assert await did(service, body("sub_active")) == ("activated", "agency-123")
    for day, after in ((19, "PRO"), (25, "FREE")):
        await service.outcome("payment-webhook", report | {"occurredAt": f"2026-11-{day}T09:00:00Z"})
        assert await plan(db) == after
    for day, after in ((24, "FREE"), (26, "PRO")):
        await did(service, body("sub_active", dates__last_status_at=f"2026-11-{day}T09:00:00Z"))
        assert await plan(db) == after


async def test_an_unmatched_payment_is_told_once_listed_and_assigned(service: Service, db: asyncpg.Connection):
    assert await did(service, body("tx_approved", **NOBODY)) == ("unmatched", None)
    assert await did(service, body("tx_approved", **NOBODY)) == ("unmatched", None)
    assert await did(service, body("tx_approved", id="other", subscription=[], **NOBODY)) == ("unmatched", None)
    assert await db.fetchval("SELECT raised FROM jobs.alerts WHERE kind = 'payment_unmatched'") == 1
    database, acts = service.app[keys.DATABASE], service.app[ASSIGNMENTS]
    now = service.app[keys.CLOCK].now()
    waiting = await payments.unmatched(database, now)
    assert [record.contract_id for record in waiting] == ["sub_AgOs00000000001", "sale:other"]
    for number, agency, error in (
        (10**6, "agency-125", UnknownPaymentError),
        (waiting[0].id, "nobody", UnknownAgencyError),
    ):
        with pytest.raises(error):
            await acts.assign(number, agency)
    for run_id in await acts.assign(waiting[0].id, "agency-125"):
        assert (await service.finished(run_id))["output"]["agencyId"] == "agency-125"
    assert await plan(db, "agency-125") == "PRO"
    assert await payments.unmatched(database, now + timedelta(minutes=1)) == []
    assert await did(service, body("tx_approved", id="later", subscription=[], **NOBODY)) == ("unchanged", "agency-125")
    told = [record.action for record in await payments.history(database, "agency-125")]
    assert told == ["assigned", "activated", "unchanged", "unchanged"]
    with pytest.raises(NotUnmatchedError):
        await acts.assign((await payments.history(database, "agency-125"))[1].id, "agency-125")


async def test_a_webhook_that_guru_switched_off_is_told(service: Service, db: asyncpg.Connection):
    content = {"api_token": TOKEN, "webhook_type": "webhook_deactivation", "id": "wh_7", "reason": "60 % failures"}
    assert await did(service, content) == ("ignored", None)
    alert = await db.fetchrow("SELECT subjects, details FROM jobs.alerts WHERE kind = 'webhook_deactivated'")
    assert alert["subjects"] == ["wh_7"]
    assert "60 % failures" in json.loads(alert["details"])["reason"]


async def test_time_takes_a_plan_back(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    async with running_service(settings, clock=clock) as service:
        await deliver(service, body("sub_active", cancel_at_cycle_end=1))
        assert await plan(db) == "PRO"
        assert await db.fetchval("SELECT due_at FROM jobs.subscriptions") == datetime(2026, 12, 21, 3, tzinfo=UTC)
        assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE task = 'settle-due-payments'") == 0
        clock.set(datetime(2026, 12, 21, 2, 59, 59, tzinfo=UTC))
        assert (await service.outcome("settle-due-payments"))["output"]["ended"] == 0
        clock.set(datetime(2026, 12, 21, 3, 1, tzinfo=UTC))
        async with asyncio.timeout(20):
            while await plan(db) == "PRO":
                clock.pass_(timedelta(seconds=1))
                await asyncio.sleep(0.05)
    run = await db.fetchrow("SELECT source FROM jobs.runs WHERE task = 'settle-due-payments' ORDER BY id DESC LIMIT 1")
    assert run["source"] == "schedule"
    event = await db.fetchrow("SELECT * FROM jobs.payment_events ORDER BY id DESC LIMIT 1")
    assert (event["event"], event["action"], event["code"]) == ("time", "deactivated", "cycle_ended")


async def test_a_late_payment_has_its_days_of_grace(settings: Settings, db: asyncpg.Connection, clock: FrozenClock):
    patient = settings.model_copy(update={"payment_grace_days": 5})
    async with running_service(patient, clock=clock) as service:
        await deliver(service, body("sub_active"))
        clock.set(datetime(2026, 12, 21, 9, 1, tzinfo=UTC))
        await deliver(service, body("sub_pastdue"))
        due = await db.fetchval("SELECT due_at FROM jobs.subscriptions")
        assert due == datetime(2026, 12, 26, 9, 0, 4, tzinfo=UTC)
        clock.set(due)
        await service.outcome("settle-due-payments")
        assert await plan(db) == "FREE"


@pytest.mark.slow
async def test_a_hundred_deliveries_at_once_over_three_workers_are_one_history(
    settings: Settings, db: asyncpg.Connection
):
    bodies = [body("sub_active"), body("tx_approved"), body("sub_canceled"), body("tx_refunded")]
    async with running_service(settings) as service, running_worker(settings), running_worker(settings):
        answers = await asyncio.gather(*[service.post("/webhooks/guru", bodies[number % 4]) for number in range(100)])
        assert {status for status, _ in answers} == {200}
        for _, answer in answers:
            assert (await service.finished(answer["jobId"]))["status"] == "COMPLETED"
        records = await payments.history(service.app[keys.DATABASE], "agency-123")
    assert len(records) == 100
    assert records[0].plan_before == "FREE"
    for before, after in pairwise(records):
        assert before.plan_after == after.plan_before
    effects = [record for record in records if record.action not in {"duplicate"}]
    assert len(effects) == 4
    assert await plan(db) == records[-1].plan_after == "FREE"


async def test_no_row_of_the_audit_is_changed(service: Service, db: asyncpg.Connection):
    await deliver(service, body("tx_approved"))
    for statement in (
        "UPDATE jobs.payment_events SET reason = ''",
        "DELETE FROM jobs.payment_events",
        "TRUNCATE jobs.payment_events",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.execute(statement)
    assert await db.fetchval("SELECT count(*) FROM jobs.payment_events") == 1
