"""Every kind of alert, raised through the endpoints and read on every channel as an operator reads it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from standardwebhooks import Webhook
from support.alerting import look_now, sent, watching
from support.browsing import operator
from support.channels import PUBLIC_URL, SECRET, FakeSlack, Mailbox, Receiver, every_channel, trusted
from support.clock import FrozenClock
from support.guru import EMAIL, PRODUCT, TOKEN, GuruDouble, body
from support.probe import impatient
from support.service import Service, running_server, running_worker

from agenciaos_jobs.ai_content.alerts import AI_DOWN
from agenciaos_jobs.alerts.kind import KINDS
from agenciaos_jobs.alerts.kinds import CHANNEL_BROKEN, EVENT_LOOP_BLOCKED, NO_WORKERS, QUEUE_AGE, WORKER_LOST
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.payments.alerts import PAYMENT_PROVIDER_DOWN
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

__all__ = ["trusted"]
pytestmark = pytest.mark.usefixtures("trusted")

AGE = timedelta(hours=2)
QUICK = JOBS | {name: impatient(JOBS[name], Backoff(0, 0, 1)) for name in ("process-guru-webhook",)}
RULES = "[wrong_token]\nthreshold = 1\n[failure_rate]\nthreshold = 2\nshare = 0.01\n"
FUTURE = {"month": "2999-01"}
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
NOBODYS = {
    "event": "payment.approved",
    "customerId": "nobody",
    "productId": "pro-monthly",
    "amount": 97,
    "status": "paid",
}


@asynccontextmanager
async def operating(
    settings: Settings, guru: GuruDouble, path: Path
) -> AsyncIterator[tuple[Settings, Mailbox, FakeSlack, Receiver]]:
    """Settings with every channel, a small budget, and rules that tell at the first wrong key."""
    rules = path / "alerts.toml"
    rules.write_text(RULES)
    async with every_channel() as (channels, *places):
        own = {
            "alerts_file": rules,
            "ai_budget_usd": Decimal("0.00001"),
            "plans": {"FREE": 1, "PRO": 1},
            "plan_products": {PRODUCT: "PRO"},
            "dmg_api_key": "user-token",
            "dmg_api_url": guru.url,
        }
        yield Settings.model_validate(settings.model_dump() | channels | own), *places


FIRED_TWO_DAYS_EARLY = """
UPDATE jobs.schedules
SET last_slot = last_slot + interval '2 days', fired_slot = last_slot + interval '2 days',
    next_slot = next_slot + interval '2 days'
WHERE type = 'IMPERATIVE'
"""
"""What a clock that was ahead leaves behind."""


async def what_happens_while_no_worker_is_there(service: Service, settings: Settings, clock: FrozenClock) -> list[str]:
    hourly = {"task": "generate-monthly-reports", "cron": "0 * * * *", "timezone": "America/Sao_Paulo"}
    assert (await service.post("/api/v1/schedules", hourly | {"deduplicationKey": "k"}))[0] == 200
    waiting = [await service.trigger("monthly-report", FUTURE) for _ in range(2)]
    clock.pass_(AGE)
    async with watching(settings, clock) as (_, watch):
        await watch.conditions.evaluate()
        await watch.enqueue_due_notifications()
    clock.pass_(timedelta(minutes=1))
    return waiting


async def what_happens_at_the_doors(service: Service, db: asyncpg.Connection, guru: GuruDouble) -> None:
    fingerprint = await db.fetchval("SELECT fingerprint FROM jobs.error_groups WHERE code = 'month_in_future'")
    async with operator(service) as browser:
        assert (await browser.post(f"/errors/{fingerprint}/resolve"))[0] == 303
    assert (await service.outcome("monthly-report", FUTURE))["status"] == "FAILED"
    assert (await service.outcome("ai-content", AI))["status"] == "COMPLETED"
    await service.outcome("payment-webhook", NOBODYS | {"eventId": "evt_7"})
    await service.get("/api/v3/runs/run_1", Authorization="Bearer wrong")
    await by_guru(service, body("tx_approved"))  # which Guru's API does not know
    guru.knows(body("sub_active"))
    await by_guru(service, body("sub_active"))
    guru.knows(body("sub_canceled", last_status="expired"))
    await service.outcome("reconcile-payments")
    off = {"api_token": TOKEN, "webhook_type": "webhook_deactivation", "id": "wh_7", "reason": "60 % failures"}
    await by_guru(service, off)
    await service.outcome("payment-webhook", {"event": "teleported", "customerId": "agency-124"})
    owner = "SELECT \"ownerId\" FROM agencies WHERE id = 'agency-124'"
    other = await db.fetchval(f"SELECT email FROM users WHERE id = ({owner})")
    await by_guru(service, body("sub_active", subscriber__email=other, dates__last_status_at="2026-11-21T09:00:00Z"))
    silent = {"subscription_code": "sub_old", "id": "sub_old", "internal_id": "old", "subscriber__email": other}
    ended = {"dates__cycle_end_date": "2026-10-20", "current_invoice__period_end": "2026-10-20"}
    guru.knows(body("sub_active", **silent, **ended))
    await by_guru(service, body("sub_active", **silent, **ended))
    await service.outcome("settle-due-payments")
    await db.execute(FIRED_TWO_DAYS_EARLY)


async def by_guru(service: Service, content: dict[str, Any]) -> None:
    status, answer = await service.post("/webhooks/guru", content)
    assert status == 200
    await service.finished(answer["jobId"])


RAISED_HERE = set(KINDS.values()) - {
    *(WORKER_LOST, CHANNEL_BROKEN, EVENT_LOOP_BLOCKED),
    *(AI_DOWN, PAYMENT_PROVIDER_DOWN),
}


@pytest.mark.slow
async def test_each_alert_is_told_on_each_channel_with_all_that_an_operator_needs(
    settings: Settings, db: asyncpg.Connection, guru_double: GuruDouble, tmp_path: Path
):
    await db.execute("UPDATE users SET email = $1 WHERE id = 'user-456'", EMAIL)
    clock = FrozenClock(SystemClock().now() - AGE)  # so that signatures are of now
    async with operating(settings, guru_double, tmp_path) as (own, mailbox, slack, receiver):
        async with running_server(own, clock) as service:
            waiting = await what_happens_while_no_worker_is_there(service, own, clock)
            async with running_worker(own, QUICK, clock):
                for run_id in waiting:
                    await service.finished(run_id)
                await what_happens_at_the_doors(service, db, guru_double)
                await look_now(db)
                await sent(db, RAISED_HERE, {"email", "slack", "webhook"})
                await sent(db, {QUEUE_AGE, NO_WORKERS}, {"email", "slack", "webhook"}, "over")
            await each_link_leads_somewhere(service, mailbox.mails)
        await each_telling_is_complete(db, mailbox, slack, receiver)


async def each_telling_is_complete(
    db: asyncpg.Connection, mailbox: Mailbox, slack: FakeSlack, receiver: Receiver
) -> None:
    tellings = await db.fetch("SELECT message FROM jobs.alert_notices WHERE channel = 'email' AND telling = 'first'")
    for row in tellings:
        message = json.loads(row["message"])
        assert is_mailed(message, mailbox.mails), message
        assert is_in_slack(message, slack.bodies), message
        assert is_delivered(message, receiver), message


def is_mailed(message: dict[str, Any], mails: list[EmailMessage]) -> bool:
    (text,) = [mail.get_content() for mail in mails if mail["Subject"] == f"[AgênciaOS Jobs] {message['title']}"]
    parts = (
        message["what"],
        f"Quando: {message['times']}",
        f"O que fazer: {message['advice']}",
        f"No painel: {PUBLIC_URL}/",
        f"English: {message['english']}",
    )
    return all(part and part in text for part in parts)


def is_in_slack(message: dict[str, Any], bodies: list[bytes]) -> bool:
    posts = [json.loads(post) for post in bodies]
    (blocks,) = [post["blocks"] for post in posts if post["blocks"][0]["text"]["text"] == f"🔴 {message['title']}"]
    text = json.dumps(blocks, ensure_ascii=False)
    parts = (message["times"], "*O que fazer:*", f"<{PUBLIC_URL}/", message["english"])
    return all(part in text for part in parts)


def is_delivered(message: dict[str, Any], receiver: Receiver) -> bool:
    verified = [
        Webhook(SECRET).verify(given, headers) for given, headers in zip(receiver.bodies, receiver.headers, strict=True)
    ]
    return [told["data"] for told in verified].count(message) == 1


async def each_link_leads_somewhere(service: Service, mails: list[EmailMessage]) -> None:
    """To a page of the dashboard that there is."""
    async with operator(service) as browser:
        for mail in mails:
            link = mail.get_content().split(f"No painel: {PUBLIC_URL}")[1].split()[0]
            status, _ = await browser.get(link)
            assert status == 200, (mail["Subject"], link)
