"""How alerts are told: by one of many processes, as runs, on every channel that works."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.alerting import settled, watching, with_slack
from support.browsing import operator
from support.channels import FakeSlack, Receiver, receiving
from support.clock import FrozenClock
from support.probe import impatient
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.alerts.kinds import WORKER_LOST
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.http import keys
from agenciaos_jobs.payments.alerts import PAYMENT_UNMATCHED, WEBHOOK_DEACTIVATED
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOTICES = """
SELECT DISTINCT ON (kind) kind, message ->> 'what' AS what FROM jobs.alert_notices
WHERE kind IN ('run_failed', 'error_new') ORDER BY kind, id
"""


async def test_without_a_channel_nothing_is_sent_and_everything_recorded(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(settings, clock) as (base, watch):
        await alerts.add(base.database, [AlertEvent(WORKER_LOST, subject="host:1")], clock)
        await watch.enqueue_due_notifications()
        (known,) = await alerts.newest(base.database, kind=WORKER_LOST)
    assert (known.raised, known.pending, known.notified_at) == (1, 0, NOON)
    assert await db.fetchval("SELECT count(*) FROM jobs.alert_notices") == 0


async def test_an_alert_is_told_at_once_then_quiet_then_in_one_summary(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(with_slack(settings, "http://127.0.0.1:9/"), clock) as (base, watch):
        for minutes, count in ((0, 1), (1, 30), (5, 7), (9, 0)):
            clock.pass_(minutes * MINUTE)
            await alerts.add(base.database, [AlertEvent(WORKER_LOST)] * count, clock)
            await watch.enqueue_due_notifications()
            await watch.enqueue_due_notifications()
    rows = await db.fetch("SELECT telling, message->>'title' AS title FROM jobs.alert_notices ORDER BY id")
    assert [tuple(row) for row in rows] == [("first", "Worker sumiu: —"), ("more", "Mais 37×: Worker sumiu: —")]


async def test_of_many_processes_one_tells(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(with_slack(settings, "http://127.0.0.1:9/"), clock) as (base, watch):
        await alerts.add(base.database, [AlertEvent(WORKER_LOST)], clock)
        await asyncio.gather(*[watch.run_once() for _ in range(8)])
    assert await db.fetchval("SELECT count(*) FROM jobs.alert_notices") == 1


async def test_the_agencies_of_failed_runs_are_named(settings: Settings, db: asyncpg.Connection):
    async with running_service(with_slack(settings, "http://127.0.0.1:9/")) as service, operator(service) as browser:
        failed = [
            await service.outcome("monthly-report", {"month": month, "agencyId": agency})
            for agency, month in (("agency-123", "2999-01"), ("agency-123", "2999-02"), ("agency-none", "2026-10"))
        ]
        async with asyncio.timeout(20):
            while len(told := await db.fetch(NOTICES)) < 2:
                await asyncio.sleep(0.05)
        ids = [run["id"] for run in failed]
        alert_id = await db.fetchval("UPDATE jobs.alerts SET subjects = $1 WHERE kind = 'run_failed' RETURNING id", ids)
        _, page = await browser.get(f"/alerts/{alert_id}")
    assert {row["kind"] for row in told if "Agências: Agência Aurora." in row["what"]} == {"run_failed", "error_new"}
    codes = {run["error"].get("code") or run["error"].get("name") for run in failed}
    assert ("Erros diferentes: 2 (" in page) == (len(codes) == 2)
    assert "Agências: Agência Aurora." in page
    assert page.count(">Agência Aurora</span>") == 2


async def test_a_raised_alert_reaches_slack_by_a_run(settings: Settings, db: asyncpg.Connection):
    async with receiving(FakeSlack()) as slack, running_service(with_slack(settings, slack.url)) as service:
        service.app[keys.ALERTS].record(PAYMENT_UNMATCHED, subject="evt_1", reason="nenhuma agência com este e-mail")
        (sent,) = await settled(db, "sent_at IS NOT NULL")
        run = await service.finished(sent["run_id"])
        (state,) = await alerts.channel_states(service.app[keys.DATABASE])
    assert (run["status"], run["taskIdentifier"], state.is_broken) == ("COMPLETED", "deliver-alert", False)
    assert "evt_1" in json.loads(slack.bodies[0])["text"]
    assert (len(slack.bodies), sent["channel"], sent["error"]) == (1, "slack", None)


@pytest.mark.slow
async def test_a_channel_that_asks_to_wait_gets_it_later(settings: Settings, db: asyncpg.Connection):
    async with receiving(FakeSlack()) as slack:
        slack.answers(429, "rate_limited", {"Retry-After": "1"})
        slack.answers(500, "rollup_error")
        jobs = {**JOBS, "deliver-alert": quick(JOBS["deliver-alert"])}
        async with running_service(with_slack(settings, slack.url), jobs) as service:
            service.app[keys.ALERTS].record(WEBHOOK_DEACTIVATED, "guru", reason="60 % falharam")
            (sent,) = await settled(db, "sent_at IS NOT NULL")
            run = await service.finished(sent["run_id"])
    assert (run["attemptCount"], len(slack.bodies), sent["error"]) == (3, 3, None)


def quick(job: Any) -> Any:
    return impatient(job, Backoff(0.01, 0.02))


@pytest.mark.slow
async def test_a_broken_channel_is_told_on_the_others_and_never_on_itself(settings: Settings, db: asyncpg.Connection):
    async with receiving(FakeSlack()) as slack, receiving(Receiver()) as other:
        slack.answers(404, "no_service")
        settings = with_slack(
            settings,
            slack.url,
            alert_webhook_url=other.url,
            alert_webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            alert_webhook_private=True,
        )
        async with running_service(settings) as service:
            service.app[keys.ALERTS].record(WEBHOOK_DEACTIVATED, "guru", reason="x")
            (told,) = await settled(db, "kind = 'channel_broken' AND sent_at IS NOT NULL")
            (failed,) = await settled(db, "failed_at IS NOT NULL")
            await service.finished(failed["run_id"])
            states = {item.channel: item for item in await alerts.channel_states(service.app[keys.DATABASE])}
    assert (told["channel"], failed["channel"], failed["kind"]) == ("webhook", "slack", "webhook_deactivated")
    assert states["slack"].is_broken
    assert "no_service" in str(states["slack"].last_error)
    assert not states["webhook"].is_broken
    kinds = await db.fetch("SELECT DISTINCT kind FROM jobs.alerts")
    assert {row["kind"] for row in kinds} == {"webhook_deactivated", "channel_broken"}


async def test_a_disabled_rule_records_and_says_nothing(settings: Settings, db: asyncpg.Connection, tmp_path: Any):
    own = tmp_path / "alerts.toml"
    own.write_text("[worker_lost]\nenabled = false\n")
    clock = FrozenClock(NOON)
    async with watching(with_slack(settings, "http://127.0.0.1:9/", alerts_file=own), clock) as (base, watch):
        await alerts.add(base.database, [AlertEvent(WORKER_LOST)], clock)
        await watch.enqueue_due_notifications()
    assert await db.fetchval("SELECT count(*) FROM jobs.alert_notices") == 0


async def test_a_server_sends_what_no_worker_is_there_to_send(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with receiving(FakeSlack()) as slack:
        settings = with_slack(settings, slack.url)
        async with running_server(settings, clock) as service, watching(settings, clock) as (_, guard):
            waiting = await service.trigger("monthly-report")
            clock.pass_(5 * MINUTE)
            await db.execute("UPDATE jobs.alert_rounds SET last_at = '-infinity'")
            await guard.run_on_server()
            clock.pass_(MINUTE)
            await guard.run_on_server()
            texts = [json.loads(body)["text"] for body in slack.bodies]
            assert any("Nenhum worker ativo: Execuções e horários à espera: 1." in text for text in texts)
            count = len(slack.bodies)
            async with running_worker(settings, JOBS, clock):
                await service.finished(waiting)
                await settled(db, "sent_at IS NOT NULL")
                for row in await db.fetch("SELECT run_id FROM jobs.alert_notices"):
                    await service.finished(row["run_id"])
            assert len(slack.bodies) == count, "a notice was sent twice"


async def test_no_door_starts_a_delivery(settings: Settings):
    async with running_server(settings) as service:
        status, body = await service.post("/api/trigger", {"type": "deliver-alert", "payload": {"notice": "x"}})
        assert (status, "deliver-alert" in body["expected"]) == (400, False)
        status, document = await service.get("/openapi.json")
        assert "deliver-alert" not in json.dumps(document)
