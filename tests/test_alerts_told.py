"""When alerts are told, in which words, and how they are delivered."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.channels import FakeSlack, Receiver, receiving
from support.clock import FrozenClock
from support.service import PATIENCE, running_server, running_service, running_worker

from agenciaos_jobs.alerts import load_rules
from agenciaos_jobs.core.alert import CONDITIONS, Alert, Event, Kind, Rule, Telling, decide
from agenciaos_jobs.core.alert_text import duration, message
from agenciaos_jobs.engine.watch import Watch
from agenciaos_jobs.jobs import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.storage import alerts
from agenciaos_jobs.web import keys
from agenciaos_jobs.wiring import Base, open_base

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = Rule(threshold=3, window="10m", quiet="30m")  # type: ignore[arg-type]


def alert(**changes: Any) -> Alert:
    values: dict[str, Any] = {
        "id": "alert_1",
        "kind": Kind.WRONG_TOKEN,
        "key": "api",
        "subjects": (),
        "details": {},
        "since": NOON,
        "raised_at": NOON,
        "raised": 3,
        "pending": 3,
        "pending_since": NOON,
        "told_at": None,
        "told": 0,
        "ended_at": None,
    }
    return Alert(**values | changes)


QUEUE = {"kind": Kind.QUEUE_AGE, "raised": 1}


@pytest.mark.parametrize(
    ("known", "after", "telling"),
    [
        ({}, 0, Telling.FIRST),
        ({"pending": 2}, 5, None),
        ({"pending": 2}, 11, Telling.FORGET),
        ({"pending": 0, "pending_since": None}, 99, None),
        ({"told_at": NOON, "pending": 37}, 29, None),
        ({"told_at": NOON, "pending": 37}, 30, Telling.MORE),
        ({"told_at": NOON, "pending": 2}, 30, Telling.FORGET),
        ({"told_at": NOON, "pending_since": NOON + 40 * MINUTE}, 40, Telling.FIRST),
        (QUEUE | {"pending": 1}, 0, Telling.FIRST),
        (QUEUE | {"told_at": NOON, "pending": 0, "pending_since": None}, 29, None),
        (QUEUE | {"told_at": NOON, "pending": 0, "pending_since": None}, 30, Telling.STILL),
        (QUEUE | {"told_at": NOON, "pending": 0, "ended_at": NOON + MINUTE}, 1, Telling.OVER),
        (QUEUE | {"told_at": NOON + MINUTE, "pending": 0, "ended_at": NOON + MINUTE}, 60, None),
        (QUEUE | {"told_at": NOON - MINUTE, "pending": 3, "ended_at": NOON + MINUTE}, 5, None),
    ],
)
def test_what_is_told_follows_from_what_happened(known: dict[str, Any], after: int, telling: Telling | None):
    assert decide(alert(**known), RULE, NOON + after * MINUTE) is telling


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 5)), max_size=40), st.integers(1, 4))
def test_nothing_is_told_twice_within_the_quiet_time_and_every_raise_is_told_or_forgotten(steps, threshold):
    rule = Rule(threshold=threshold, window="10m", quiet="30m")  # type: ignore[arg-type]
    known, now, counted, raised = alert(raised=0, pending=0, pending_since=None), NOON, 0, 0
    tellings = []
    for minutes, count in [*steps, (600, 0), (600, 0)]:
        now += minutes * MINUTE
        raised += count
        if count:
            known = alert(
                **vars(known) | {"pending": known.pending + count, "pending_since": known.pending_since or now}
            )
        telling = decide(known, rule, now)
        if telling:
            counted += known.pending
            told_at = known.told_at if telling is Telling.FORGET else now
            known = alert(**vars(known) | {"pending": 0, "pending_since": None, "told_at": told_at})
        if telling and telling is not Telling.FORGET:
            tellings.append(now)
    assert all(later - earlier >= rule.quiet for earlier, later in pairwise(tellings))
    assert counted == raised


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("telling", [item for item in Telling if item is not Telling.FORGET])
def test_every_kind_can_be_told_in_every_way_whatever_is_known(kind: Kind, telling: Telling):
    bare = message(alert(kind=kind, ended_at=NOON), telling, NOON + MINUTE, "https://jobs.example")
    assert all((bare.title, bare.what, bare.times, bare.english))
    assert bare.advice or telling is Telling.OVER
    assert str(bare.link).startswith("https://jobs.example/")
    odd = message(alert(kind=kind, subjects=("{x}\r\nBcc: y",), details={"message": "{0}{"}), telling, NOON, None)
    assert odd.link is None
    assert "\n" not in odd.title + odd.english


def test_an_alert_says_what_how_often_since_when_and_where():
    details = {"code": "timeout", "message": "no answer", "task": "t", "fingerprint": "abc"}
    known = alert(kind=Kind.RUN_FAILED, key="t", pending=37, raised=38, details=details, subjects=("run_1",))
    text = message(known, Telling.MORE, NOON + 60 * MINUTE, "https://jobs.example")
    assert text.title == "Mais 37: t: execução falhou de vez"
    assert text.times == "mais 37 desde o último aviso; 38 ao todo desde 24/11/2026 09:00"
    assert (text.what, text.link) == ("timeout: no answer", "https://jobs.example/runs?task=t&status=FAILED")
    assert [duration(seconds) for seconds in (0, 59.6, 720, 12_000, 7200, 187_200)] == [
        "0 s", "1 min", "12 min", "3 h 20 min", "2 h", "2 d 4 h",
    ]  # fmt: skip


@asynccontextmanager
async def watching(settings: Settings, clock: FrozenClock) -> AsyncIterator[tuple[Base, Watch]]:
    async with open_base(settings, clock) as base:
        yield base, Watch(base.app, base.sender)


def with_slack(settings: Settings, url: str, **changes: Any) -> Settings:
    return Settings.model_validate(settings.model_dump() | {"slack_webhook_url": url} | changes)


async def test_without_a_channel_nothing_is_sent_and_everything_recorded(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(settings, clock) as (base, watch):
        await alerts.add(base.app.database, [Event(Kind.WORKER_LOST, subject="host:1")], clock)
        await watch.tell()
        (known,) = await alerts.newest(base.app.database, kind=Kind.WORKER_LOST)
    assert (known.raised, known.pending, known.told_at) == (1, 0, NOON)
    assert await db.fetchval("SELECT count(*) FROM jobs.alert_notices") == 0


async def test_an_alert_is_told_at_once_then_quiet_then_in_one_summary(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(with_slack(settings, "http://127.0.0.1:9/"), clock) as (base, watch):
        for minutes, count in ((0, 1), (1, 30), (5, 7), (9, 0)):
            clock.pass_(minutes * MINUTE)
            await alerts.add(base.app.database, [Event(Kind.WORKER_LOST)] * count, clock)
            await watch.tell()
            await watch.tell()
    rows = await db.fetch("SELECT telling, message->>'title' AS title FROM jobs.alert_notices ORDER BY id")
    assert [tuple(row) for row in rows] == [("first", "Worker sumiu: —"), ("more", "Mais 37: Worker sumiu: —")]


async def test_of_many_processes_one_tells(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with watching(with_slack(settings, "http://127.0.0.1:9/"), clock) as (base, watch):
        await alerts.add(base.app.database, [Event(Kind.WORKER_LOST)], clock)
        await asyncio.gather(*[watch.round() for _ in range(8)])
    assert await db.fetchval("SELECT count(*) FROM jobs.alert_notices") == 1


async def settled(db: asyncpg.Connection, condition: str) -> list[asyncpg.Record]:
    async with asyncio.timeout(PATIENCE):
        while not (rows := await db.fetch(f"SELECT * FROM jobs.alert_notices WHERE {condition} ORDER BY id")):
            await asyncio.sleep(0.02)
    return rows


async def test_a_raised_alert_reaches_slack_by_a_run(settings: Settings, db: asyncpg.Connection):
    async with receiving(FakeSlack()) as slack, running_service(with_slack(settings, slack.url)) as service:
        service.app[keys.APP].alert(Kind.PAYMENT_UNMATCHED, subject="evt_1", reason="nenhuma agência com este e-mail")
        (sent,) = await settled(db, "sent_at IS NOT NULL")
        run = await service.finished(sent["run_id"])
        (state,) = await alerts.channel_states(service.app[keys.DATABASE])
    assert (run["status"], run["taskIdentifier"], state.is_broken) == ("COMPLETED", "deliver-alert", False)
    assert "evt_1" in json.loads(slack.bodies[0])["text"]
    assert (len(slack.bodies), sent["channel"], sent["error"]) == (1, "slack", None)


async def test_a_channel_that_asks_to_wait_gets_it_later(settings: Settings, db: asyncpg.Connection):
    async with receiving(FakeSlack()) as slack:
        slack.answers(429, "rate_limited", {"Retry-After": "1"})
        slack.answers(500, "rollup_error")
        jobs = {**JOBS, "deliver-alert": quick(JOBS["deliver-alert"])}
        async with running_service(with_slack(settings, slack.url), jobs) as service:
            service.app[keys.APP].alert(Kind.WEBHOOK_DEACTIVATED, "guru", reason="60 % falharam")
            (sent,) = await settled(db, "sent_at IS NOT NULL")
            run = await service.finished(sent["run_id"])
    assert (run["attemptCount"], len(slack.bodies), sent["error"]) == (3, 3, None)


def quick(job: Any) -> Any:
    from dataclasses import replace

    from agenciaos_jobs.core.retry import Backoff

    return replace(job, backoff=Backoff(0.01, 0.02))


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
            service.app[keys.APP].alert(Kind.WEBHOOK_DEACTIVATED, "guru", reason="x")
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
        await alerts.add(base.app.database, [Event(Kind.WORKER_LOST)], clock)
        await watch.tell()
    assert await db.fetchval("SELECT count(*) FROM jobs.alert_notices") == 0


async def test_a_server_sends_what_no_worker_is_there_to_send(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with receiving(FakeSlack()) as slack:
        settings = with_slack(settings, slack.url)
        async with running_server(settings, clock) as service, watching(settings, clock) as (_, guard):
            waiting = await service.trigger("monthly-report")
            clock.pass_(5 * MINUTE)
            await db.execute("UPDATE jobs.alert_rounds SET last_at = '-infinity'")
            await guard.stand_in()
            clock.pass_(MINUTE)
            await guard.stand_in()
            assert "Nenhum worker no ar" in json.loads(slack.bodies[-1])["text"] or len(slack.bodies) == 2
            texts = [json.loads(body)["text"] for body in slack.bodies]
            assert any("Nenhum worker no ar: 1 execuções esperam" in text for text in texts)
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


def test_every_alert_has_its_entry_in_the_runbook():
    text = (Path(__file__).parent.parent / "docs" / "alerts.md").read_text()
    assert [kind for kind in Kind if f"### {kind} · " not in text] == []


def test_conditions_have_recovery_and_the_rest_of_the_rules_are_sane():
    rules = load_rules()
    assert all(rules[kind].recovery for kind in CONDITIONS)
    assert all(rule.quiet >= MINUTE for rule in rules.values())
