"""Who watches hears of every run that changes, and who does not costs nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from support.service import Service, running_server

from agenciaos_jobs.engine import change_feed as changes_module
from agenciaos_jobs.engine.change_feed import ChangeFeed, ChangeSubscription
from agenciaos_jobs.engine.store import watchers
from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings

PATIENCE = 10


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Service]:
    async with running_server(settings) as running:
        yield running


@pytest.fixture
def changes(server: Service) -> ChangeFeed:
    return server.app[keys.CHANGES]


async def settled(watch: ChangeSubscription) -> None:
    """Past the news that watching has begun."""
    async with asyncio.timeout(PATIENCE):
        assert await anext(watch) is None


async def hears_of(watch: ChangeSubscription, *run_ids: str) -> None:
    heard: set[str] = set()
    async with asyncio.timeout(PATIENCE):
        while not heard >= set(run_ids):
            ids = await anext(watch)
            assert ids is not None
            heard |= ids


async def test_a_watcher_hears_of_new_and_of_changed_runs(server: Service, changes: ChangeFeed):
    async with changes.subscribe() as watch, changes.subscribe() as other:
        await settled(watch)
        run_id = await server.trigger("monthly-report", delay="1h")
        await hears_of(watch, run_id)
        await server.post(f"/api/v2/runs/{run_id}/cancel", {})
        await hears_of(watch, run_id)
        await settled(other)  # that it began, and with it whatever has gathered since


async def insert(connection: asyncpg.Connection, ids: list[str]) -> None:
    await connection.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at,
                                  updated_at, due_at)
           SELECT id, 't', 'QUEUED', '{}', 's', 1, 1, now(), now(), now() FROM unnest($1::text[]) AS id""",
        ids,
    )


def run_ids(count: int) -> list[str]:
    now = SystemClock().now()
    return [make_id("run", now, number) for number in range(count)]


async def test_many_at_once_come_by_their_ids_and_too_many_as_anything(changes: ChangeFeed, db: asyncpg.Connection):
    few, many = run_ids(1_000), [f"{run_id}_" for run_id in run_ids(1_001)]
    async with changes.subscribe() as watch:
        await settled(watch)
        await insert(db, few)
        await hears_of(watch, *few)
        await insert(db, many)
        await settled(watch)
        await insert(db, [f"run_{'x' * 9_000}"])
        await settled(watch)


async def test_nobody_is_told_while_nobody_watches(changes: ChangeFeed, db: asyncpg.Connection):
    heard: list[object] = []
    await db.add_listener("agenciaos_jobs_runs", lambda *told: heard.append(told[-1]))
    await insert(db, run_ids(1))
    assert heard == []
    await db.execute("INSERT INTO jobs.watchers VALUES ('gone', now() - interval '1 second')")
    await db.execute("UPDATE jobs.runs SET priority = 1")
    assert heard == []
    await db.execute("UPDATE jobs.watchers SET lease_until = now() + interval '1 hour'")
    await db.execute("UPDATE jobs.runs SET priority = 2")
    assert heard == [await db.fetchval("SELECT id FROM jobs.runs")]


async def test_what_was_written_before_the_watch_and_committed_after_it_is_heard_of(
    changes: ChangeFeed, db: asyncpg.Connection
):
    await insert(db, run_ids(1))
    async with db.transaction():
        await db.execute("UPDATE jobs.runs SET priority = 1")
        watching = changes.subscribe()
        watch = await watching.__aenter__()
        await settled(watch)
    async with asyncio.timeout(PATIENCE):
        while not changes._echoed.is_set():
            assert await anext(watch) is None
    await watching.__aexit__(None, None, None)


async def test_a_cut_line_is_mended_and_the_gap_told(server: Service, changes: ChangeFeed, db: asyncpg.Connection):
    async with changes.subscribe() as watch:
        await settled(watch)
        cut = await db.fetchval(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pg_snapshot_xmin%'"""
        )
        assert cut == 1
        await settled(watch)
        run_id = await server.trigger("monthly-report", delay="1h")
        await hears_of(watch, run_id)


async def test_the_last_watcher_s_leaving_ends_the_lease(
    changes: ChangeFeed, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes_module, "RENEWAL", changes_module.RENEWAL / 1_000)
    async with changes.subscribe() as watch:
        await settled(watch)
        assert await db.fetchval("SELECT count(*) FROM jobs.watchers") == 1
    async with asyncio.timeout(PATIENCE):
        while await db.fetchval("SELECT count(*) FROM jobs.watchers"):
            await asyncio.sleep(0.01)
    async with changes.subscribe() as watch:
        await settled(watch)


async def test_without_notifications_watchers_poll(
    server: Service, changes: ChangeFeed, monkeypatch: pytest.MonkeyPatch
):
    """As behind a pooler that begins to lend connections by the transaction."""
    monkeypatch.setattr(changes_module, "_ECHO_POLLS", 3)
    monkeypatch.setattr(changes_module, "POLL_INTERVAL", changes_module.POLL_INTERVAL / 25)
    monkeypatch.setattr(changes, "_on_notification", lambda *_: None)
    async with changes.subscribe() as watch:
        for _ in range(6):
            await settled(watch)
            await server.trigger("monthly-report", delay="1h")


async def test_a_server_that_stops_ends_the_watches(settings: Settings):
    async with running_server(settings) as server:
        changes = server.app[keys.CHANGES]
        watching = changes.subscribe()
        watch = await watching.__aenter__()
        await settled(watch)
    async with asyncio.timeout(PATIENCE):
        assert [ids async for ids in watch] == []
    async with changes.subscribe() as late:
        assert [ids async for ids in late] == []
    await watching.__aexit__(None, None, None)


async def test_a_server_that_stops_in_the_moment_it_hears_of_itself_does_not_wait(
    changes: ChangeFeed, monkeypatch: pytest.MonkeyPatch
):
    """The listener is canceled in the very turn of the event loop that brings what it waits for."""
    closing: list[asyncio.Task[None]] = []
    all_ended_before = watchers.all_ended_before

    async def ended_and_closing(*asked: Any) -> bool:
        have_ended = await all_ended_before(*asked)
        closing.append(asyncio.create_task(changes.close()))
        return have_ended

    monkeypatch.setattr(watchers, "all_ended_before", ended_and_closing)
    async with changes.subscribe(), asyncio.timeout(PATIENCE):
        while not closing:
            await asyncio.sleep(0.01)
        await asyncio.gather(*closing)
