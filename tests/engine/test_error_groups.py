"""Failures that are the same fault: told by their words, counted, resolved, and open again when they come back."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
from support.clock import FrozenClock
from support.failures import failing
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.dashboard.store import errors as dashboard_errors
from agenciaos_jobs.dashboard.store.errors import Selection
from agenciaos_jobs.engine.model.fingerprint import MAX_OPEN_GROUPS
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp
from agenciaos_jobs.engine.store import errors
from agenciaos_jobs.settings import Settings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


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
    assert await dashboard_errors.unreplayed(db, name, Selection(None, None, "2"), 10) == [last]
    affected = await dashboard_errors.affected(db, name, NOON, clock.now() + HOUR, 10)
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
