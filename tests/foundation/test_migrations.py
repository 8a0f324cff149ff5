"""Migrations while the version before is at work: nothing it needs goes, no table is held for long."""

import asyncio
import io
import re
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from support.load import Load
from support.processes import Command, environment, run, running
from support.service import running_service

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.foundation import migrate
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.migrate import SchemaError
from agenciaos_jobs.settings import Settings

ROOT = Path(__file__).parents[2]
LATER = migrate.packaged()[2:]
MANY = 100_000
REWRITTEN = {"guru": {"jobs.payment_events"}}
"""By a migration that came when nobody had that table."""
MONTHS_OF_RUNS = f"""
INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at, updated_at, due_at,
                       finished_at)
SELECT 'run_' || lpad(n::text, 26, '0'), 'generate-monthly-reports',
       CASE n % 20 WHEN 0 THEN 'FAILED' ELSE 'COMPLETED' END, '{{}}', 's', 1, 60, now(), now(), now(), now()
FROM generate_series(1, {MANY}) AS n
"""

_BREAKING = re.compile(
    r"\bDROP\s+(TABLE|COLUMN|FUNCTION|VIEW)\b|\bRENAME\b|\bALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE\b"
    r"|\bSET\s+NOT\s+NULL\b|\bADD\s+COLUMN\s+(?![^,;]*\bDEFAULT\b)[^,;]*\bNOT\s+NULL\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("migration", LATER, ids=lambda migration: migration.name)
def test_a_migration_breaks_nothing_that_the_version_before_needs(migration: migrate.Migration):
    outside_functions = re.sub(r"\$\$.*?\$\$", "", migration.sql, flags=re.DOTALL)
    assert _BREAKING.findall(outside_functions) == []


async def test_a_migration_rewrites_no_table_and_holds_none_for_long(db: asyncpg.Connection):
    """Over many runs, each in its own transaction; while it lasts, whoever writes waits."""
    await db.execute("DROP SCHEMA jobs CASCADE; CREATE SCHEMA jobs")
    clock, slow = SystemClock(), {}
    for number, migration in enumerate(migrate.packaged()):
        before, began = await files_of_tables(db), clock.now()
        async with db.transaction():
            await db.execute(migration.sql)
        slow[migration.name] = (clock.now() - began).total_seconds()
        after = await files_of_tables(db)
        rewritten = {name for name in before if after[name] != before[name]}
        assert rewritten <= REWRITTEN.get(migration.name, set()), migration.name
        if number == 0:
            await migrate.ensure_partitions(db, clock.now())
            await db.execute(MONTHS_OF_RUNS)
    assert {name: seconds for name, seconds in slow.items() if seconds > 2} == {}, f"with {MANY} runs"


async def files_of_tables(db: asyncpg.Connection) -> dict[str, int]:
    """The file that each table is in: another one after it was rewritten."""
    rows = await db.fetch("SELECT oid::regclass::text, relfilenode FROM pg_class WHERE relkind = 'r'")
    return dict(rows)


async def test_a_migration_that_finds_a_table_in_use_lets_others_pass_and_tries_again(
    db: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    sql = "ALTER TABLE jobs.runs ADD COLUMN of_a_later_release text"
    later = migrate.Migration(9998, "later", sql)
    monkeypatch.setattr(migrate, "packaged", lambda: [later])
    monkeypatch.setattr(migrate, "_PAUSE", 0.05)
    monkeypatch.setitem(migrate.QUERIES, "limit_lock_wait", "SET LOCAL lock_timeout = '100ms'")
    reader, writer = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    try:
        async with reader.transaction():
            await reader.execute("SELECT count(*) FROM jobs.runs")
            migrating = asyncio.create_task(migrate.migrate(db, SystemClock().now(), lambda _: None))
            for _ in range(20):  # each would wait for the reader's end, were the migration to wait for it
                await asyncio.wait_for(writer.execute("UPDATE jobs.runs SET priority = 0"), 5)
                await asyncio.sleep(0.02)
            assert not migrating.done()
        assert await asyncio.wait_for(migrating, 10) == 1
        monkeypatch.setattr(migrate, "packaged", lambda: [migrate.Migration(9999, "last", sql + "_2")])
        monkeypatch.setattr(migrate, "_ATTEMPTS", 2)
        async with reader.transaction():
            await reader.execute("SELECT count(*) FROM jobs.runs")
            with pytest.raises(SchemaError, match="9999 last found its tables in use, 2 times"):
                await migrate.migrate(db, SystemClock().now(), lambda _: None)
    finally:
        await reader.close()
        await writer.close()


async def test_a_backup_that_reads_when_a_month_begins_holds_nobody_up(
    settings: Settings, db: asyncpg.Connection, database_url: str
):
    backup = await asyncpg.connect(database_url)
    later = SystemClock().now() + timedelta(days=200)
    async with running_service(settings) as service:
        async with backup.transaction():
            await backup.execute("SELECT count(*) FROM jobs.runs")
            assert await migrate.ensure_partitions(db, later) is None
            assert (await service.outcome("monthly-report", {"month": "2026-01"}))["status"] == "COMPLETED"
        made = None
        while made is None:  # the service is at work on these tables
            made = await migrate.ensure_partitions(db, later)
        assert made >= 4
    await backup.close()


def commit_before_the_newest_migration() -> str | None:
    """The last commit without it; ``None`` where there is no history, as in a tarball."""
    words = ["log", "--diff-filter=A", "--format=%H", "-1", "--", ":(glob)agenciaos_jobs/*/migrations/*.sql"]
    added = git(*words).decode().strip()
    return f"{added}^" if added and git("rev-parse", "--verify", "--quiet", f"{added}^") else None


def git(*words: str) -> bytes:
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False).stdout
    except FileNotFoundError:
        return b""


BEFORE = commit_before_the_newest_migration()


@asynccontextmanager
async def of_before(directory: Path, env: dict[str, str], *words: str) -> AsyncIterator[Command]:
    """A command of the version before."""
    old = env | {"PYTHONPATH": str(directory)}
    async with running(Path(sys.executable).name, "-m", "agenciaos_jobs", *words, env=old, cwd=directory) as process:
        yield process


if BEFORE:

    @pytest.mark.slow
    async def test_the_version_before_goes_on_under_load_while_the_schema_is_migrated(
        settings: Settings, db: asyncpg.Connection, tmp_path: Path
    ):
        with tarfile.open(fileobj=io.BytesIO(git("archive", str(BEFORE), "agenciaos_jobs"))) as package:
            package.extractall(tmp_path, filter="data")
        port = embedded.free_port()
        env = environment(settings, PORT=str(port), SHUTDOWN_DELAY="0")
        await db.execute("DROP SCHEMA jobs CASCADE")
        async with of_before(tmp_path, env, "migrate") as migrating:
            assert await migrating.ends() == 0, migrating.text
        behind = await migrate.schema_version(db)
        await db.execute(MONTHS_OF_RUNS)
        serving, working = of_before(tmp_path, env, "serve"), of_before(tmp_path, env, "worker")
        async with serving as server, working as worker:
            await server.says("server_started")
            await worker.says("worker_started")
            load = Load(f"http://127.0.0.1:{port}")
            loading = asyncio.create_task(load.run())
            await worker.says("run_completed")
            code, said = await run("agenciaos-jobs", "migrate", env=env, cwd=tmp_path)
            assert code == 0, said
            triggered = len(load.run_ids)
            while len(load.run_ids) < triggered + 200:  # the old version on the new schema
                await asyncio.sleep(0.05)
            load.is_over = True
            await loading
            async with asyncio.timeout(60):
                while await db.fetchval("SELECT count(*) FROM jobs.runs WHERE finished_at IS NULL"):
                    await asyncio.sleep(0.1)
        version, slowest = await migrate.schema_version(db), max(load.seconds)
        print(f"{behind} to {version}: {len(load.run_ids)} triggers, {dict(load.statuses)}, slowest {slowest:.2f} s")
        assert behind < version == migrate.packaged()[-1].version
        assert set(load.statuses) == {200}
        ended = await db.fetch("SELECT status, attempt FROM jobs.runs WHERE id = ANY ($1)", load.run_ids)
        assert {(row["status"], row["attempt"]) for row in ended} == {("COMPLETED", 1)}
        assert slowest < 3
