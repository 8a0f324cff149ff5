"""Runs of one concurrency key: who goes first, and that nobody waits for nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from support.probe import Probe
from support.service import running_server, running_worker

from agenciaos_jobs.engine.model.run import NewRun, Status
from agenciaos_jobs.engine.store import runs
from agenciaos_jobs.foundation import database
from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.settings import Settings

NOW = SystemClock().now()


@pytest.fixture
async def pool(database_url: str):
    opened = await database.connect(database_url, size=4)
    yield opened
    await opened.close()


async def waiting(pool: Database, *, limit: int = 1, **more: Any) -> str:
    """A run that waits for the key, later than those made before it."""
    moment = NOW + timedelta(milliseconds=await pool.fetchval("SELECT count(*) FROM jobs.runs"))
    run_id, fields = make_id("run", moment, 0), {"concurrency_key": "key", "concurrency_limit": limit} | more
    await runs.insert(pool, [(run_id, NewRun("task", {}, None, 3, 60, "test", **fields))], moment)
    return run_id


async def claim(pool: Database, worker: str, *run_ids: str, seconds: float = 1) -> list[str]:
    claimed = await runs.claim(pool, list(run_ids), worker, NOW + timedelta(seconds=seconds))
    return [run.id for run in claimed]


async def end(pool: Database, run_id: str) -> list[str]:
    """Ends the run; those that its place lets come."""
    await pool.execute("UPDATE jobs.runs SET status = 'COMPLETED', finished_at = now() WHERE id = $1", run_id)
    return [run.id for run in await runs.unblock_next(pool, ["key"])]


async def test_a_run_passes_nobody_who_is_still_on_the_way_to_another_worker(pool: Database):
    first, second, third = [await waiting(pool) for _ in range(3)]
    assert await claim(pool, "b", second) == []
    assert await claim(pool, "b", third) == []
    assert await claim(pool, "a", first) == [first]
    assert await end(pool, first) == [second]
    assert await claim(pool, "a", second) == [second]
    assert await end(pool, second) == [third]


async def test_a_place_that_is_left_over_is_taken_at_once(pool: Database):
    first, second, third = [await waiting(pool, limit=2) for _ in range(3)]
    assert await claim(pool, "b", second, third) == [second]
    assert await claim(pool, "a", first) == [first]
    assert await end(pool, second) == [third]


async def test_a_wider_limit_is_no_way_past_a_run_with_a_narrower_one(pool: Database):
    first, second, third = await waiting(pool), await waiting(pool), await waiting(pool, limit=5)
    assert await claim(pool, "a", first, second, third) == [first]
    assert await end(pool, first) == [second]
    assert await claim(pool, "a", second) == [second]
    assert {run.id for run in await runs.unblock_stuck(pool)} == {third}
    assert await claim(pool, "a", third) == [third]


async def test_priority_is_a_lead_of_so_many_seconds(pool: Database):
    first, second = await waiting(pool), await waiting(pool)
    urgent = await waiting(pool, priority=10)
    assert await claim(pool, "a", first, second) == []
    assert await claim(pool, "a", urgent) == [urgent]
    assert await end(pool, urgent) == [first]


@pytest.mark.parametrize(
    "gone",
    [
        {"delay": timedelta(hours=1), "priority": 2 * 3600},  # not due yet, whatever its lead
        {"ttl": timedelta(milliseconds=500)},  # too late to start
        {"concurrency_key": "other"},
    ],
)
async def test_who_can_not_start_holds_nobody_up(pool: Database, gone: dict[str, Any]):
    await waiting(pool, **gone)
    second = await waiting(pool)
    assert await claim(pool, "a", second) == [second]


async def test_only_those_behind_a_parked_run_leave_the_queue_with_it(pool: Database):
    first, second, third = [await waiting(pool) for _ in range(3)]
    assert await claim(pool, "a", second) == []
    assert await runs.block_behind(pool, [second], NOW + timedelta(seconds=1)) == [third]
    assert await claim(pool, "b", first) == [first]


async def test_a_place_that_gets_free_while_a_run_is_being_parked_goes_to_that_run(
    pool: Database, db: asyncpg.Connection
):
    first, second = await waiting(pool), await waiting(pool)
    assert await claim(pool, "a", first) == [first]
    async with db.transaction():
        await db.execute(runs.QUERIES["lock_named_keys"], ["key"])
        parked = await db.fetch(runs.QUERIES["claim_keyed"], [second], "b", NOW + timedelta(seconds=1), 1)
        ending = asyncio.create_task(end(pool, first))
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not await pool.fetchval(held):
            await asyncio.sleep(0.01)
    assert (parked, await ending) == ([], [second])


@pytest.mark.slow
async def test_three_workers_start_runs_of_a_key_in_the_order_they_came(settings: Settings, db: asyncpg.Connection):
    started: list[str] = []

    async def note(app: Any) -> dict[str, Any]:
        started.append(app.run.id)
        await asyncio.sleep(0)
        return {}

    probe = Probe(note)
    async with running_server(settings) as service:
        limit = {"concurrency_key": "agency-1", "concurrency_limit": 1}
        ids = [await service.start(probe.job, **limit) for _ in range(60)]
        async with (
            running_worker(settings, probe.jobs),
            running_worker(settings, probe.jobs),
            running_worker(settings, probe.jobs),
        ):
            ids += [await service.start(probe.job, **limit) for _ in range(60)]
            ended = [await service.finished(run_id) for run_id in ids]
    came = [row["id"] for row in await db.fetch("SELECT id FROM jobs.runs ORDER BY due_at, id")]
    assert started == came
    assert {(run["status"], run["attemptCount"]) for run in ended} == {(Status.COMPLETED, 1)}
    assert await db.fetchval("SELECT count(DISTINCT worker_id) FROM jobs.attempts") > 1
