"""What raises an alert, and what is stored of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.alerting import raised
from support.clock import FrozenClock
from support.failures import failing
from support.service import running_server, running_service

from agenciaos_jobs.ai_content.alerts import AI_BUDGET_TOTAL
from agenciaos_jobs.alerts import buffer
from agenciaos_jobs.alerts.alert import INCIDENT_GAP, AlertEvent
from agenciaos_jobs.alerts.kind import KINDS
from agenciaos_jobs.alerts.kinds import ERROR_BACK, ERROR_NEW, QUEUE_AGE, RUN_FAILED, WORKER_LOST, WRONG_TOKEN
from agenciaos_jobs.alerts.rules import AlertRulesError, load_rules
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.model.job import GiveUp
from agenciaos_jobs.engine.store import errors
from agenciaos_jobs.foundation.database import DatabaseUnavailableError
from agenciaos_jobs.http import keys
from agenciaos_jobs.payments.alerts import PAYMENT_UNMATCHED, WEBHOOK_DEACTIVATED
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_events_of_one_kind_and_key_are_one_alert(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with open_runtime(settings, clock) as runtime:
        for number in range(12):
            runtime.alerting.buffer.record(WRONG_TOKEN, "api", subject=f"10.0.0.{number % 11}", count=number)
        runtime.alerting.buffer.record(WRONG_TOKEN, "guru", subject="10.1.1.1")
        row = await raised(db, WRONG_TOKEN, 12)
    assert (row["key"], row["raised"], row["pending"], row["details"]) == ("api", 12, 12, '{"count": 11}')
    assert (len(row["subjects"]), row["subjects"][-1]) == (10, "10.0.0.0")
    assert (row["since"], row["told_at"], row["ended_at"]) == (NOON, None, None)
    assert await db.fetchval("SELECT count(*) FROM jobs.alerts") == 2


async def test_subjects_gather_while_nothing_is_told_and_an_episode_ends_after_a_day(
    settings: Settings, db: asyncpg.Connection
):
    clock = FrozenClock(NOON)
    async with open_runtime(settings, clock) as runtime:
        database = runtime.database
        await alerts.add(database, [AlertEvent(WORKER_LOST, subject=name) for name in ("a", "b")], clock)
        clock.pass_(timedelta(hours=1))
        await alerts.add(database, [AlertEvent(WORKER_LOST, subject=name) for name in ("c", "a")], clock)
        row = await raised(db, WORKER_LOST, 4)
        assert (set(row["subjects"]), row["since"]) == ({"a", "b", "c"}, NOON)
        assert (row["pending_since"], row["raised_at"]) == (NOON, clock.now())
        clock.pass_(INCIDENT_GAP + timedelta(seconds=1))
        await alerts.add(database, [AlertEvent(WORKER_LOST)], clock)
        row = await raised(db, WORKER_LOST)
        assert (row["raised"], row["since"]) == (1, clock.now())
        once = AlertEvent(AI_BUDGET_TOTAL, "2026-11:80", details={"spent": 8}, once=True)
        await alerts.add(database, [once, once], clock)
        await alerts.add(database, [once], clock)
        assert (await raised(db, AI_BUDGET_TOTAL))["raised"] == 1


async def test_a_failed_run_raises_its_failure_and_a_new_error(settings: Settings, db: asyncpg.Connection):
    async def act(app: Any, payload: Any):
        if payload.agency == "limit":
            raise GiveUp("plan_limit_reached", "as expected")
        raise RuntimeError(f"fault {payload.agency}")

    job = failing(act)
    async with running_service(settings, {"probe": job}) as service:
        for name in ("1", "2", "limit"):
            await service.finished(await service.start(job, {"agency": name}))
        row = await raised(db, RUN_FAILED, 2)
        assert (row["key"], row["raised"]) == ("probe", 2)
        new = await raised(db, ERROR_NEW)
        assert (new["key"], new["raised"], new["subjects"]) == ("probe", 1, ["RuntimeError: fault 1"])
        await errors.resolve(db, [json.loads(new["details"])["fingerprint"]], NOON)
        await service.finished(await service.start(job, {"agency": "3"}))
        assert (await raised(db, ERROR_BACK))["subjects"] == ["RuntimeError: fault 3"]
    kinds = await db.fetch("SELECT kind FROM jobs.alerts")
    assert {row["kind"] for row in kinds} == {"run_failed", "error_new", "error_back"}


async def test_a_payment_of_nobody_is_told(settings: Settings, db: asyncpg.Connection):
    body = {
        "event": "payment.approved",
        "customerId": "nobody",
        "productId": "pro-monthly",
        "amount": 97,
        "status": "paid",
    }
    async with running_service(settings) as service:
        run = await service.outcome("payment-webhook", body | {"eventId": "evt_7", "status": "paid"})
        row = await raised(db, PAYMENT_UNMATCHED)
    assert (run["status"], row["subjects"], "nobody" in row["details"]) == ("FAILED", ["evt_7"], True)


async def test_wrong_keys_are_raised_with_where_they_come_from(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service:
        for _ in range(3):
            await service.get("/api/v3/runs/run_1", Authorization="Bearer wrong")
        row = await raised(db, WRONG_TOKEN, 3)
    assert (row["key"], row["subjects"]) == ("api", ["127.0.0.1"])


async def test_nothing_that_is_raised_is_lost_on_the_way_out(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service:
        service.app[keys.ALERTS].record(PAYMENT_UNMATCHED, subject="evt\0\ud800", reason=f"senha {settings.secrets[2]}")
    row = await raised(db, PAYMENT_UNMATCHED)
    assert row["subjects"] == ["evt?"]
    assert settings.secrets[2] not in row["details"]


async def test_alerts_wait_for_a_database_that_is_away(
    settings: Settings, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(buffer, "_RETRY_DELAY", timedelta(milliseconds=10))
    store, outages = alerts.add_grouped, [DatabaseUnavailableError("away")] * 3

    async def away_at_first(*arguments: Any) -> None:
        if outages:
            raise outages.pop()
        await store(*arguments)

    monkeypatch.setattr(alerts, "add_grouped", away_at_first)
    async with running_server(settings) as service:
        service.app[keys.ALERTS].record(WEBHOOK_DEACTIVATED, "guru", reason="x")
        row = await raised(db, WEBHOOK_DEACTIVATED)
    assert (row["raised"], outages) == (1, [])


def test_every_kind_has_a_rule_and_a_file_of_ones_own_changes_what_it_says(tmp_path: Any):
    own = tmp_path / "alerts.toml"
    own.write_text('[defaults]\nquiet = "2h"\n[queue_age]\nolder_than = "45s"\nchannels = ["slack"]\n')
    rules = load_rules(own)
    assert set(rules) == set(KINDS.values())
    assert (rules[QUEUE_AGE].older_than, rules[QUEUE_AGE].channels) == (timedelta(seconds=45), ("slack",))
    assert (rules[QUEUE_AGE].quiet, rules[WRONG_TOKEN].quiet) == (timedelta(hours=2), timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[queue_old]", "unknown alert queue_old"),
        ("[queue_age]\nolder = 1", r"\[queue_age\] older: Extra inputs"),
        ('[queue_age]\nquiet = "soon"', r"\[queue_age\] quiet: .*expected a duration"),
        ('[defaults]\nchannels = ["sms"]', "sms is none of email, slack, webhook"),
        ("quiet = 1", "must stand in a section"),
        ("[", "is not TOML"),
    ],
)
def test_a_faulty_rules_file_is_told_in_words(tmp_path: Any, text: str, told: str):
    own = tmp_path / "alerts.toml"
    own.write_text(text)
    with pytest.raises(AlertRulesError, match=told):
        load_rules(own)
    with pytest.raises(AlertRulesError, match="can't be read"):
        load_rules(tmp_path / "missing.toml")
