"""Failures that are the same fault: told by their words, counted, resolved, and open again when they come back."""

import asyncio
import json
import traceback
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FrozenClock
from support.failures import failing, values
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.dashboard.store import errors as dashboard_errors
from agenciaos_jobs.engine.model.fingerprint import MAX_OPEN_GROUPS, error_group_of, normalize_message, origin_of
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp
from agenciaos_jobs.engine.model.run import RunError
from agenciaos_jobs.engine.store import errors
from agenciaos_jobs.settings import Settings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


words = st.lists(st.text("abcdefgh áçõ", min_size=1), min_size=1, max_size=5).map(" ".join)
quoted = st.text().map(lambda text: repr(text.replace("'", "")))


@given(words, st.lists(values, min_size=2, max_size=2), st.lists(quoted, min_size=2, max_size=2), words)
def test_the_same_words_around_other_values_are_the_same_fault(first, numbers, quotes, last):
    one, other = (f"{first}: {number} ({quote}) {last}" for number, quote in zip(numbers, quotes, strict=True))
    assert normalize_message(one) == normalize_message(other)


@given(words, words, values)
def test_other_words_are_another_fault(one, other, value):
    folded = [normalize_message(f"{text} {value}") for text in (one, other)]
    assert (folded[0] == folded[1]) == (one.split() == other.split())


@given(st.text())
def test_any_message_can_be_folded_and_none_is_long(message):
    assert len(normalize_message(message * 50)) <= 300


@pytest.mark.parametrize(
    ("message", "folded"),
    [
        ("there is no agency 'agency-123'", "there is no agency <text>"),
        ("[Errno 111] Connect call failed ('127.0.0.1', 5432)", "[Errno <n>] Connect call failed (<text>, <n>)"),
        ("GET https://api.example.com/v1/x?id=7 answered 503", "GET <url> answered <n>"),
        ("no user joao.silva@agencia.com.br here", "no user <email> here"),
        ("<Client object at 0x7f3a2c> can't be used, don't", "<Client object at <n>> can't be used, don't"),
        ("report.py:12: due 2026-11-24T10:00:00.123+00:00", "report.py:<n>: due <n>"),
        ("two\n  lines\tand 1,234.50 reais", "two lines and <n> reais"),
        ("key \"a 'b' c\" of “d” and `e`", "key <text> of <text> and <text>"),
    ],
)
def test_values_are_folded_and_words_are_not(message: str, folded: str):
    assert normalize_message(message) == folded


def test_a_code_names_the_fault_whatever_the_message_says():
    one = error_group_of("probe", RunError("GiveUp", "headline is too long", code="too_long"))
    other = error_group_of("probe", RunError("GiveUp", "text is too long", code="too_long"))
    assert (
        one.fingerprint
        == other.fingerprint
        != error_group_of("other", RunError("GiveUp", "", code="too_long")).fingerprint
    )
    assert (
        error_group_of("probe", RunError("A", "x")).fingerprint
        != error_group_of("probe", RunError("B", "x")).fingerprint
    )


NAMES = st.text(st.characters(categories=["L", "Zs"]), min_size=1, max_size=20)


def raised(raise_it: Any, *values: Any) -> RunError:
    try:
        raise_it(*values)
    except Exception as error:  # noqa: BLE001 - whatever it raises
        return RunError(type(error).__name__, str(error), stack="".join(traceback.format_exception(error)))
    raise AssertionError


def user_missing(name: str) -> None:
    raise LookupError(f"user {name} not found")


def several_checks(name: str) -> None:
    if name == "a":
        raise LookupError("the first is wrong")
    raise LookupError("the second is wrong")


def inside_a_library(name: str) -> None:
    json.loads(name)


def with_a_cause(name: str) -> None:
    try:
        user_missing(name)
    except LookupError as error:
        raise ValueError(f"no {name}") from error


@given(NAMES, NAMES)
@pytest.mark.parametrize("raise_it", [user_missing, with_a_cause])
def test_words_that_vary_are_the_same_fault_where_the_job_raised_it(raise_it: Any, one: str, other: str):
    errors = [raised(raise_it, name) for name in (one, other)]
    assert len({error_group_of("probe", error).fingerprint for error in errors}) == 1
    assert {error_group_of("probe", error).message for error in errors} == {" ".join(e.message.split()) for e in errors}


def test_each_place_that_raises_is_a_fault_of_its_own():
    errors = [
        raised(user_missing, "a"),
        raised(several_checks, "a"),
        raised(several_checks, "b"),
        raised(inside_a_library, "x"),
        raised(with_a_cause, "a"),
    ]
    assert len({error_group_of("probe", error).fingerprint for error in errors}) == len(errors)
    assert [origin_of(error.stack or "") for error in errors] == [
        ("engine/test_error_groups.py", "user_missing", 'raise LookupError(f"user {name} not found")'),
        ("engine/test_error_groups.py", "several_checks", 'raise LookupError("the first is wrong")'),
        ("engine/test_error_groups.py", "several_checks", 'raise LookupError("the second is wrong")'),
        ("engine/test_error_groups.py", "inside_a_library", "json.loads(name)"),
        ("engine/test_error_groups.py", "with_a_cause", 'raise ValueError(f"no {name}") from error'),
    ]


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/app/releases/12/jobs/greet.py", "jobs/greet.py"),
        ("C:\\jobs\\greet.py", "jobs/greet.py"),
        ("greet.py", "greet.py"),
        ("/venv/lib/python3.12/site-packages/agenciaos_jobs/payments/jobs/plan.py", "jobs/plan.py"),
        ("/venv/lib/python3.12/site-packages/agenciaos_jobs/engine/worker/runner.py", None),
        ("/venv/lib/python3.12/site-packages/asyncpg/pool.py", None),
        ("/srv/agenciaos_jobs/venv/lib/python3.12/site-packages/asyncpg/pool.py", None),
        ("/srv/agenciaos_jobs/engines/start.py", "engines/start.py"),
        ("/usr/lib/python3.12/json/decoder.py", None),
        ("<frozen importlib._bootstrap>", None),
    ],
)
def test_the_job_s_frame_is_found_wherever_it_is_installed(path: str, origin: str | None):
    stack = f'Traceback (most recent call last):\n  File "{path}", line 3, in run\n    do()\n    ~~^^\nValueError: x\n'
    assert origin_of(stack) == (origin and (origin, "run", "do()"))
    moved = error_group_of("probe", RunError("ValueError", "y", stack=stack.replace("line 3", "line 4")))
    assert (moved == error_group_of("probe", RunError("ValueError", "y", stack=stack))) is True


@given(st.text())
def test_any_traceback_has_an_origin_or_none(stack: str):
    origin_of(stack)


async def test_errors_beyond_the_limit_are_one_group(settings: Settings, db: asyncpg.Connection):
    async def act(app, payload):
        failure = type(payload.agency, (Exception,), {})("why") if payload.agency == "Other" else None
        raise failure or GiveUp(payload.agency, "because")

    job = failing(act)
    await db.execute(
        """INSERT INTO jobs.error_groups
             (fingerprint, task, type, code, message, count, first_seen_at, last_seen_at, last_run_id)
           SELECT n::text, 'probe', 'GiveUp', n::text, '', 1, now(), now(), '' FROM generate_series(1, $1) AS n""",
        MAX_OPEN_GROUPS - 1,
    )
    async with running_service(settings, {"probe": job}) as service:
        for name in ("a", "a", "b", "c", "a", "Other"):
            await service.finished(await service.start(job, {"agency": name}))
        alerts = await db.fetch("SELECT details->>'fingerprint' AS name FROM jobs.alerts WHERE kind = 'run_failed'")
    rows = await db.fetch("SELECT * FROM jobs.error_groups WHERE last_run_id <> ''")
    assert {(row["type"], row["code"], row["count"]) for row in rows} == {
        ("GiveUp", "a", 3),
        ("GiveUp", None, 2),
        ("Other", None, 1),
    }
    (rest,) = [row for row in rows if row["type"] == "GiveUp" and row["code"] is None]
    assert rest["message"] == "(outros erros deste tipo / other errors of this type) because"
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE error_group = $1", rest["fingerprint"]) == 2
    assert {alert["name"] for alert in alerts} <= {row["fingerprint"] for row in rows}


async def test_runs_that_fail_alike_are_one_group_and_runs_that_succeed_none(
    settings: Settings, db: asyncpg.Connection
):
    async def act(app, payload):
        if payload.agency == "fine":
            return {}
        if payload.agency == "slow":
            await asyncio.sleep(60)
        if payload.agency == "late":

            async def effect(_):
                return GiveUp("too_late", "the transaction knows better")

            return CommitWith(effect)
        raise LookupError(f"no row {uuid.uuid4()} for {payload.agency!r}")

    job = failing(act, max_duration=1, attempts=2)
    async with running_service(settings, {"probe": job}) as service:
        runs = {name: await service.start(job, {"agency": name}) for name in ("a", "b", "fine", "slow", "late")}
        for run_id in runs.values():
            await service.finished(run_id)
    groups = {row["type"]: row for row in await db.fetch("SELECT * FROM jobs.error_groups")}
    assert {(name, row["count"]) for name, row in groups.items()} == {
        ("LookupError", 2),
        ("MaxDurationExceeded", 1),
        ("GiveUp", 1),
    }
    marked = dict(await db.fetch("SELECT id, error_group FROM jobs.runs"))
    of = {name: marked[run_id] for name, run_id in runs.items()}
    assert of["a"] == of["b"] == groups["LookupError"]["fingerprint"]
    assert (of["slow"], of["late"]) == (groups["MaxDurationExceeded"]["fingerprint"], groups["GiveUp"]["fingerprint"])
    assert of["fine"] is None


async def test_many_failures_at_once_are_all_counted(settings: Settings, db: asyncpg.Connection):
    async def act(app, payload):
        raise RuntimeError(f"fault {payload.agency}")

    job = failing(act)
    async with running_service(settings, {"probe": job}) as service:
        runs = [await service.start(job, {"agency": f"{number}"}) for number in range(60)]
        for run_id in runs:
            await service.finished(run_id)
    assert await db.fetchval("SELECT count FROM jobs.error_groups") == 60


async def test_lost_and_expired_runs_are_counted_by_the_sweeper(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    job = failing(None)
    async with running_server(settings, clock) as service:
        lost = [await service.start(job, {"agency": "a"}) for _ in range(3)]
        expired = await service.start(job, ttl=timedelta(seconds=5))
        await db.execute(
            """UPDATE jobs.runs SET status = 'EXECUTING', attempt = 1, worker_id = 'gone', attempt_started_at = $2
               WHERE id = ANY ($1)""",
            lost,
            NOON,
        )
        clock.pass_(timedelta(seconds=10))
        async with running_worker(settings, {"probe": job}, clock):
            for run_id in [*lost, expired]:
                await service.finished(run_id)
    rows = await db.fetch("SELECT code, count, first_seen_at FROM jobs.error_groups ORDER BY code")
    assert [tuple(row) for row in rows] == [("expired", 1, clock.now()), ("worker_lost", 3, clock.now())]


async def test_a_resolved_group_is_open_again_when_it_comes_back(settings: Settings, db: asyncpg.Connection):
    async def act(app, payload):
        raise RuntimeError(f"fault {payload.agency}")

    job, clock = failing(act), FrozenClock(NOON)
    async with running_service(settings, {"probe": job}, clock) as service:
        await service.finished(await service.start(job, {"agency": "1"}))
        (first,) = await errors.trends(db, until=NOON + HOUR, step=HOUR, steps=2)
        name = first.group.fingerprint
        assert await errors.resolve(db, [name, "unknown"], NOON) == [name]
        assert await errors.resolve(db, [name], NOON) == []
        assert await errors.trends(db, until=NOON, step=HOUR, steps=1) == []
        clock.pass_(2 * HOUR)
        last = await service.start(job, {"agency": "2"})
        await service.finished(last)
    (again,) = await errors.trends(db, until=NOON + 3 * HOUR, step=HOUR, steps=3)
    assert (again.group.resolved_at, again.group.reopened_at) == (None, NOON + 2 * HOUR)
    assert (again.group.count, again.group.first_seen_at, again.group.last_seen_at) == (2, NOON, NOON + 2 * HOUR)
    assert (again.counts, again.agencies) == ((1, 0, 1), 2)
    assert again.group.message == "fault 2"
    assert await dashboard_errors.unreplayed(db, name, "2", 10) == [last]
    affected = await dashboard_errors.affected(db, name, NOON, 10)
    assert [(item.agency_id, item.runs) for item in affected] == [("1", 1), ("2", 1)]
    assert await errors.resolve(db, [name], clock.now()) == await errors.reopen(db, [name]) == [name]


async def test_groups_come_in_pages_last_seen_first(settings: Settings, db: asyncpg.Connection):
    async def act(app, payload):
        raise GiveUp(payload.agency, "because")

    job, clock = failing(act), FrozenClock(NOON)
    async with running_service(settings, {"probe": job}, clock) as service:
        for name in ("a", "b", "c"):
            await service.finished(await service.start(job, {"agency": name}))
    when = {"until": NOON + HOUR, "step": HOUR, "steps": 1}
    first = await errors.trends(db, **when, limit=2)
    second = await errors.trends(db, **when, after=first[-1].group.place)
    assert sorted(item.group.code for item in first + second) == ["a", "b", "c"]
    assert len(second) == 1
    assert await errors.trends(db, **when, task="other") == await errors.trends(db, **when, is_resolved=True) == []
    one = await errors.trend(db, first[0].group.fingerprint, **when)
    assert one == first[0]
    assert await errors.trend(db, "unknown", **when) is None
