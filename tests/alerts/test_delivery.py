"""Deliveries under bad conditions: a worker that is killed, a channel that hangs, channels that refuse."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest
from support.alerting import look_now, sent, settled, with_slack
from support.browsing import operator
from support.channels import FakeSlack, every_channel, mail, receiving, trusted
from support.probe import impatient
from support.processes import worker
from support.service import PATIENCE, running_server, running_service

from agenciaos_jobs.alerts.kinds import CHANNEL_BROKEN, ERROR_NEW, RUN_FAILED, WORKER_LOST
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

__all__ = ["trusted"]

FUTURE = {"month": "2999-01"}


async def called(slack: FakeSlack, count: int = 1) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(slack.bodies) < count:
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_a_worker_killed_while_it_delivers_loses_no_alert_and_is_told_of_itself(
    settings: Settings, db: asyncpg.Connection, tmp_path: Path
):
    async with receiving(FakeSlack()) as slack, running_server(settings) as service:
        slack.gate.clear()
        async with worker(settings, tmp_path, SLACK_WEBHOOK_URL=slack.url) as dying:
            run_id = await service.trigger("monthly-report", FUTURE)
            await called(slack)
            dying.process.kill()
            await dying.ends()
        assert (await service.run(run_id))["status"] == "FAILED"
        (cut,) = await db.fetch("SELECT run_id FROM jobs.alert_notices WHERE kind = 'run_failed'")
        assert (await service.run(cut["run_id"]))["isExecuting"]
        slack.gate.set()
        async with worker(settings, tmp_path, SLACK_WEBHOOK_URL=slack.url) as heir:
            await heir.says("worker_lost", patience=40)
            await look_now(db)
            await sent(db, {RUN_FAILED, ERROR_NEW, WORKER_LOST}, {"slack"})
            assert (await service.finished(cut["run_id"]))["status"] == "COMPLETED"
            heir.interrupt(15)
            await heir.ends(30)
    texts = [json.loads(post)["text"] for post in slack.bodies]
    assert len([text for text in texts if text.startswith("Worker sumiu: ")]) == 1


async def test_a_channel_that_hangs_holds_up_neither_jobs_nor_other_channels(
    settings: Settings, db: asyncpg.Connection, trusted: None
):
    async with every_channel() as (channels, mailbox, slack, receiver):
        own = Settings.model_validate(settings.model_dump() | channels)
        slack.gate.clear()
        async with running_service(own) as service:
            assert (await service.outcome("monthly-report", FUTURE))["status"] == "FAILED"
            await called(slack)
            assert (await service.outcome("monthly-report", {"month": "2026-01"}))["status"] == "COMPLETED"
            await sent(db, {RUN_FAILED, ERROR_NEW}, {"email", "webhook"})
            assert await db.fetchval(
                "SELECT count(*) FROM jobs.alert_notices WHERE channel = 'slack' AND sent_at IS NULL"
            )
            slack.gate.set()
            await sent(db, {RUN_FAILED, ERROR_NEW}, {"slack"})
    assert (len(mailbox.mails), len(receiver.bodies), len(slack.bodies)) == (2, 2, 2)


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (404, "no_service", "Slack answered 404 no_service: the webhook was removed or never existed"),
        (410, "channel_is_archived", "Slack answered 410 channel_is_archived: its channel is archived"),
        (429, "rate_limited", "Slack answered 429 rate_limited"),
    ],
)
async def test_what_is_wrong_with_slack_is_seen_on_the_dashboard(
    settings: Settings, db: asyncpg.Connection, status: int, text: str, told: str
):
    async with receiving(FakeSlack()) as slack:
        for _ in range(6):
            slack.answers(status, text, {"Retry-After": "600"} if status == 429 else None)
        async with running_service(with_slack(settings, slack.url)) as service, operator(service) as browser:
            await service.outcome("payment-webhook", NOBODYS)
            await settled(db, "failed_at IS NOT NULL")
            _, page = await browser.get("/alerts")
            assert told in page
            notice, *_ = await db.fetch("SELECT alert_id, run_id FROM jobs.alert_notices WHERE failed_at IS NOT NULL")
            assert told in (await browser.get(f"/alerts/{notice['alert_id']}"))[1]
            run = await service.reaches(notice["run_id"], lambda run: not run["isExecuting"])
            assert run["isFailed"] is (status != 429)  # which is sent again later, by itself


@pytest.mark.slow
async def test_a_wrong_smtp_password_is_seen_on_the_dashboard_and_told_by_slack(
    settings: Settings, db: asyncpg.Connection, trusted: None
):
    async with every_channel() as (channels, mailbox, slack, _):
        port = int(channels["smtp_url"].rpartition(":")[2])
        own = Settings.model_validate(settings.model_dump() | channels | mail(port, "outra-senha"))
        async with running_service(own) as service, operator(service) as browser:
            await service.outcome("payment-webhook", NOBODYS)
            await sent(db, {CHANNEL_BROKEN}, {"slack", "webhook"})
            _, page = await browser.get("/alerts")
    assert "the server refused user or password" in page
    assert "outra-senha" not in page
    assert mailbox.mails == []
    assert any("Alertas por email não chegam" in json.loads(post)["text"] for post in slack.bodies)


async def test_a_channel_that_is_away_for_long_gets_it_in_the_end(settings: Settings, db: asyncpg.Connection):
    async with receiving(FakeSlack()) as slack:
        for _ in range(9):
            slack.answers(503, "<html>")
        jobs = {**JOBS, "deliver-alert": impatient(JOBS["deliver-alert"], Backoff(0.001, 0.001))}
        async with running_service(with_slack(settings, slack.url), jobs) as service:
            await service.outcome("payment-webhook", NOBODYS)
            notices = await settled(db, "NOT EXISTS (SELECT FROM jobs.alert_notices WHERE sent_at IS NULL)")
            delivered = [await service.finished(notice["run_id"]) for notice in notices]
    assert sum(run["attemptCount"] - 1 for run in delivered) == 9


NOBODYS = {
    "event": "payment.approved",
    "customerId": "nobody",
    "productId": "pro-monthly",
    "amount": 1,
    "status": "paid",
}
