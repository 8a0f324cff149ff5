"""Months of runs: rows that no month's partition took, as after a long sleep or a restore, are moved into theirs."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from support.clock import FrozenClock
from support.commands import cli
from support.service import PATIENCE, Service, running_server, running_worker

from agenciaos_jobs.foundation import migrate
from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.settings import Settings

TABLES = ("runs", "attempts", "run_logs", "run_tags")
NOW = SystemClock().now()
REPORT = {"month": "2026-01"}


async def drop_month(db: asyncpg.Connection, month: datetime) -> None:
    """As if nobody had made its partitions in time."""
    await db.execute("SELECT jobs.drop_month($1)", f"{month:%Y_%m}")


async def rows_in(db: asyncpg.Connection, suffix: str) -> dict[str, int]:
    return {table: await db.fetchval(f"SELECT count(*) FROM jobs.{table}_{suffix}") for table in TABLES}


async def old_rows(db: asyncpg.Connection, moment: datetime, count: int, *, ended: bool = True) -> list[str]:
    """Runs of a moment, with an attempt, a log line and a tag each."""
    ids = [make_id("run", moment, number) for number in range(count)]
    await db.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, tags, max_attempts, max_duration, created_at,
                                  updated_at, due_at, finished_at)
           SELECT id, 'generate-monthly-reports', CASE WHEN $3::boolean THEN 'COMPLETED' ELSE 'DELAYED' END,
                  '{"month": "2026-01"}', 's', '{old}', 1, 60, $2::timestamptz, $2,
                  CASE WHEN $3 THEN $2::timestamptz ELSE now() + interval '1 day' END,
                  CASE WHEN $3 THEN $2::timestamptz END
           FROM unnest($1::text[]) AS id""",
        ids, moment, ended,
    )  # fmt: skip
    await db.execute(
        "INSERT INTO jobs.attempts SELECT id, 9, 'COMPLETED', 'w', $2::timestamptz, $2 FROM unnest($1::text[]) AS id",
        ids,
        moment,
    )
    await db.execute(
        "INSERT INTO jobs.run_logs SELECT id, 1, $2::timestamptz, 'info', 'said' FROM unnest($1::text[]) AS id",
        ids,
        moment,
    )
    await db.execute("INSERT INTO jobs.run_tags SELECT 'old', id FROM unnest($1::text[]) AS id", ids)
    return ids


async def emptied(db: asyncpg.Connection) -> None:
    """Waits until the default partitions are empty."""
    async with asyncio.timeout(PATIENCE):
        while any((await rows_in(db, "default")).values()):
            await asyncio.sleep(0.05)


async def test_a_worker_gives_a_month_that_began_without_one_its_partition(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOW + timedelta(days=200))
    async with running_server(settings, clock) as service:
        run_id = await service.trigger("monthly-report", REPORT, tags=["a"])
        assert (await rows_in(db, "default"))["runs"] == 1
        async with running_worker(settings, clock=clock):
            assert (await service.finished(run_id))["status"] == "COMPLETED"
        clock.pass_(timedelta(hours=2))  # what was in use is moved the next time
        async with running_worker(settings, clock=clock):
            await emptied(db)
            assert (await service.outcome("monthly-report", REPORT))["status"] == "COMPLETED"
    assert (await rows_in(db, f"{clock.now():%Y_%m}"))["runs"] >= 2
    assert set((await rows_in(db, f"{clock.now() + timedelta(days=32):%Y_%m}")).values()) == {0}


@pytest.mark.slow
async def test_migrate_gives_past_and_present_months_their_partitions(
    env: dict[str, str], db: asyncpg.Connection, tmp_path: Path
):
    past = datetime(2024, 2, 29, 23, 59, tzinfo=UTC)
    await drop_month(db, NOW)
    await old_rows(db, past, 30)
    await old_rows(db, NOW, 5)
    code, said = await cli("migrate", env=env, cwd=tmp_path)
    assert code == 0, said
    assert await rows_in(db, "2024_02") == dict.fromkeys(TABLES, 30)
    assert await rows_in(db, f"{NOW:%Y_%m}") == dict.fromkeys(TABLES, 5)
    assert await rows_in(db, "default") == dict.fromkeys(TABLES, 0)
    _, checked = await cli("check", env=env, cwd=tmp_path)
    assert "every row is in its month's partition" in checked


async def test_check_names_the_tables_that_hold_rows_without_a_month(
    env: dict[str, str], db: asyncpg.Connection, tmp_path: Path
):
    await old_rows(db, datetime(2024, 2, 1, tzinfo=UTC), 3)
    _, checked = await cli("check", env=env, cwd=tmp_path)
    assert "rows outside the monthly partitions: runs 3, attempts 3, run_logs 3, run_tags 3" in checked


async def test_an_id_without_a_time_stays_and_hinders_nothing(db: asyncpg.Connection):
    await old_rows(db, NOW + timedelta(days=400), 2)
    await db.execute(
        "UPDATE jobs.run_tags SET run_id = 'run_0' WHERE run_id IN (SELECT max(run_id) FROM jobs.run_tags)"
    )
    moved = await migrate.move_strays(db)
    assert {(month.table, month.rows) for month in moved} == {
        ("runs", 2), ("attempts", 2), ("run_logs", 2), ("run_tags", 1)
    }  # fmt: skip
    assert await migrate.outside_months(db) == {"run_tags": 1}
    assert await migrate.move_strays(db) == []


async def test_runs_go_on_while_their_month_is_moved(service: Service, db: asyncpg.Connection, database_url: str):
    month = NOW.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    await drop_month(db, NOW)
    await old_rows(db, month, 3000)
    delayed = await old_rows(db, month + timedelta(seconds=1), 200, ended=False)

    async def trigger() -> list[str]:
        return [await service.trigger("monthly-report", REPORT) for _ in range(80)]

    async def move() -> list[migrate.MovedMonth]:
        others = [await asyncpg.connect(database_url) for _ in range(3)]
        found: list[migrate.MovedMonth] = []
        async with asyncio.timeout(60):
            while await migrate.outside_months(db):  # the service is at work on these tables
                for moved in await asyncio.gather(*[migrate.move_strays(other) for other in others]):
                    found += moved
        for other in others:
            await other.close()
        return found

    triggered, moved = await asyncio.gather(trigger(), move())
    for run_id in triggered:
        run = await service.finished(run_id)
        assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    tables = [item.table for item in moved if item.rows]
    assert len(tables) == len(set(tables)), "each table once"
    assert {item.month for item in moved} == {f"{NOW:%Y-%m}"}
    found = await db.fetch("SELECT id FROM jobs.runs WHERE status = 'DELAYED'")
    assert {row["id"] for row in found} == set(delayed)
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE tags = '{old}'") == 3200
    assert (await rows_in(db, "default")) == dict.fromkeys(TABLES, 0)


@pytest.mark.slow
async def test_a_table_in_use_is_left_for_a_later_call(db: asyncpg.Connection, database_url: str):
    await old_rows(db, NOW + timedelta(days=400), 3)
    reader, writer = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    async with reader.transaction():
        await reader.execute("SELECT count(*) FROM jobs.runs")
        moving = asyncio.create_task(migrate.move_strays(db))
        while not moving.done():  # each would wait for the reader's end, were the mover to wait for it
            await asyncio.wait_for(writer.execute("UPDATE jobs.runs SET priority = 1 WHERE id = 'run_1'"), 2)
            await asyncio.sleep(0.02)
        assert {month.table for month in await moving} == {"attempts", "run_logs", "run_tags"}
    assert await migrate.outside_months(db) == {"runs": 3}
    assert [month.table for month in await migrate.move_strays(db)] == ["runs"]
    await reader.close()
    await writer.close()


async def test_a_moved_month_is_like_any_other(db: asyncpg.Connection):
    """Same indexes and constraints, so that searches are as fast and retention drops it."""
    month = datetime(2024, 2, 1, tzinfo=UTC)
    await old_rows(db, month, 2)
    await migrate.move_strays(db)
    described = """SELECT (SELECT count(*) FROM pg_index JOIN pg_inherits ON inhrelid = indexrelid
                           WHERE indrelid = $1::regclass),
                          (SELECT count(*) FROM pg_constraint WHERE conrelid = $1::regclass)"""
    for table in TABLES:
        moved, made = [await db.fetchrow(described, f"jobs.{table}_{suffix}") for suffix in ("2024_02", f"{NOW:%Y_%m}")]
        assert moved == made
    (counted,) = await db.fetch("SELECT month, held FROM jobs.month_counts(now(), now())")
    assert tuple(counted) == ("2024_02", 2)
