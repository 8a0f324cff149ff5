"""The application's own events: every spelling, the short form, and what no machine should decide."""

from typing import Any

import asyncpg
import pytest
from support.browsing import operator
from support.service import Service, running_service

from agenciaos_jobs.payments.policy.vocabulary import Meaning, meaning_of
from agenciaos_jobs.settings import Settings

APPROVED = {"event": "payment.approved", "customerId": "agency-123", "productId": "pro-monthly", "status": "paid"}

SPELLINGS = {
    Meaning.PAID: "payment.approved PURCHASE_APPROVED compra_aprovada invoice.paid PAYMENT_RECEIVED Ativa",
    Meaning.REFUNDED: "refund charge.refunded estornado reembolsado PURCHASE_REFUNDED PAYMENT_PARTIALLY_REFUNDED",
    Meaning.CHARGEBACK: "charged_back chargedback PURCHASE_CHARGEBACK PAYMENT_CHARGEBACK_REQUESTED payment.chargeback",
    Meaning.DISPUTE: "dispute charge.dispute.created charge.dispute.closed in_mediation PURCHASE_PROTEST disputed",
    Meaning.CANCELED: (
        "subscription_canceled customer.subscription.deleted SUBSCRIPTION_CANCELLATION cancelled assinatura_cancelada"
    ),
    Meaning.PASTDUE: "past_due PAYMENT_OVERDUE subscription_late em-atraso unpaid",
    Meaning.UNPAID: "payment.refused payment.pending payment.failed invoice.payment_failed checkout.session.expired",
    Meaning.NEUTRAL: "payment.created customer.subscription.updated",
}


@pytest.mark.parametrize(
    ("text", "meaning"), [(word, meaning) for meaning, words in SPELLINGS.items() for word in words.split()]
)
def test_every_spelling_has_its_meaning(text: str, meaning: Meaning):
    assert meaning_of(text) is meaning


@pytest.mark.parametrize("text", ["", "?", "teleported", "payment.teleported", "refund.failed"])
def test_other_words_are_unknown(text: str):
    assert meaning_of(text) is None


async def plan(db: asyncpg.Connection) -> str:
    found: str = await db.fetchval("SELECT plan::text FROM agencies WHERE id = 'agency-123'")
    return found


async def say(service: Service, **changes: Any) -> dict[str, Any]:
    run = await service.outcome("payment-webhook", APPROVED | changes)
    assert run["status"] == "COMPLETED", run["error"]
    output: dict[str, Any] = run["output"]
    return output


async def test_the_cautious_reading_wins(service: Service, db: asyncpg.Connection):
    for event, status in (("refused", "paid"), ("pending", "paid"), ("failed", "approved"), ("approved", "pending")):
        assert (await say(service, event=f"payment.{event}", status=status))["action"] == "unchanged"
    assert (await say(service, amount=-97))["code"] == "negative_amount"
    assert (await say(service, event="payment.teleported"))["code"] == "unknown_word"
    assert (await say(service, event="payment.teleported"))["code"] == "unknown_word"
    assert await plan(db) == "FREE"
    rows = await db.fetch("SELECT key, raised FROM jobs.alerts WHERE kind = 'payment_not_understood' ORDER BY key")
    assert [tuple(row) for row in rows] == [("api", 1), ("api:payment.teleported", 1)]


@pytest.mark.parametrize("word", ["refund", "charged_back", "reembolsado", "subscription_canceled", "dispute"])
async def test_an_end_in_any_spelling_ends_the_plan(service: Service, db: asyncpg.Connection, word: str):
    await say(service)
    assert (await say(service, event=word, status="paid"))["action"] == "deactivated"
    assert await plan(db) == "FREE"


async def test_what_may_be_a_repetition_undoes_no_refund(service: Service, db: asyncpg.Connection):
    await say(service)
    await say(service, event="payment.refunded", status="refunded")
    assert (await say(service))["code"] == "maybe_repeated"
    assert await plan(db) == "FREE"
    assert (await say(service, eventId="second-purchase"))["action"] == "activated"


async def test_the_short_form_is_about_the_last_product_or_the_only_one(service: Service, db: asyncpg.Connection):
    for key, value in (("externalId", "agency-123"), ("customer", {"external_id": "agency-123"})):
        run = await service.outcome("payment-webhook", {"event": "payment.approved", key: value})
        assert run["output"]["planAfter"] == "PRO"
    run = await service.outcome("payment-webhook", {"event": "subscription.canceled", "customerId": "agency-123"})
    assert (run["output"]["planAfter"], await plan(db)) == ("FREE", "FREE")
    assert {row[0] for row in await db.fetch("SELECT product_id FROM jobs.payment_events")} == {"pro-monthly"}


async def test_an_unlisted_product_is_given_a_plan_with_one_click(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, operator(service) as browser:
        run = await service.outcome("payment-webhook", APPROVED | {"productId": "prod_pro_monthly"})
        assert (run["status"], run["error"]["name"]) == ("FAILED", "unknown_product")
        alert = await db.fetchval("SELECT details ->> 'product' FROM jobs.alerts WHERE kind = 'payment_unmatched'")
        assert alert == "prod_pro_monthly"
        number = await db.fetchval("SELECT id FROM jobs.payment_events")
        _, page = await browser.get(f"/payments/{number}")
        assert "Este produto é PRO" in page
        assert (await browser.post(f"/payments/{number}/product", {"plan": "GOLD"}))[0] == 422
        status, path = await browser.post(f"/payments/{number}/product", {"plan": "PRO"})
        assert (status, path) == (303, f"/payments/{number}?done=product")
        again = await db.fetchval("SELECT id FROM jobs.runs WHERE source = 'assigned'")
        assert (await service.finished(again))["output"]["action"] == "activated"
        assert await plan(db) == "PRO"
        assert "Este produto é PRO" not in (await browser.get(path))[1]


async def test_the_word_of_an_earlier_release_is_kept_as_facts(service: Service, db: asyncpg.Connection):
    await db.execute(
        """INSERT INTO jobs.subscriptions (agency_id, plan, status, product_id, last_event_at, source, updated_at)
           VALUES ('agency-123', 'PRO', 'paid', 'pro-monthly', '2026-11-20 12:00Z', 'api', now())"""
    )
    await db.execute("UPDATE agencies SET plan = 'PRO' WHERE id = 'agency-123'")
    older = {"occurredAt": "2026-11-19T12:00:00Z", "event": "payment.refunded", "status": "refunded"}
    assert (await say(service, **older))["action"] == "outdated"
    assert (await say(service, **older | {"occurredAt": "2026-11-21T12:00:00Z"}))["planAfter"] == "FREE"


async def test_another_currency_is_kept_and_shown(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, operator(service) as browser:
        await say(service, amount=19.9, currency="usd")
        assert await db.fetchval("SELECT currency FROM jobs.payment_events") == "USD"
        assert "USD 19,90" in (await browser.get("/payments"))[1]
