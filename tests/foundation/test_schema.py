"""Migrations and queries."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from support.service import running_server

from agenciaos_jobs.dev import seed
from agenciaos_jobs.foundation import migrate
from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.foundation.migrate import SchemaError
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.settings import Settings

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in sorted((ROOT / "agenciaos_jobs").rglob("*.sql"))
    if "-- name: " in file.read_text()
]
QUERIES = [(module, name, sql) for module in MODULES for name, sql in load(module).items()]


@pytest.mark.parametrize(("module", "name", "sql"), QUERIES, ids=[f"{module}.{name}" for module, name, _ in QUERIES])
async def test_every_query_fits_the_schema(template_connection: asyncpg.Connection, module: str, name: str, sql: str):
    if (module, name) == ("agenciaos_jobs.foundation.migrate", "prepare"):
        async with template_connection.transaction():
            await template_connection.execute(sql)
    else:
        await template_connection.prepare(sql)


@pytest.fixture(scope="session")
async def template_connection(servers: dict[str, str], template: str):
    admin = await asyncpg.connect(servers["DATABASE_URL"])
    await admin.execute(f"CREATE DATABASE for_queries TEMPLATE {template}")
    await admin.close()
    connection = await asyncpg.connect(servers["DATABASE_URL"].replace("/postgres?", "/for_queries?"))
    yield connection
    await connection.close()


async def fingerprint(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    return await connection.fetch(
        """SELECT table_name, column_name, data_type, column_default, is_nullable FROM information_schema.columns
           WHERE table_schema = 'public'
           UNION ALL SELECT tablename, indexname, indexdef, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
           UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL FROM pg_constraint
           WHERE connamespace = 'public'::regnamespace
           ORDER BY 1, 2, 3"""
    )


async def test_the_security_page_tells_what_each_table_stores(db: asyncpg.Connection):
    told = (ROOT / "docs" / "security.md").read_text().split("## What is stored")[1].split("\n## ")[0]
    tables = await db.fetch(
        """SELECT relname FROM pg_class WHERE relnamespace = 'jobs'::regnamespace AND relkind IN ('r', 'p')
           AND NOT relispartition ORDER BY relname"""
    )
    assert [row["relname"] for row in tables if f"`{row['relname']}`" not in told] == []


async def test_migrating_leaves_the_application_s_schema_as_it_is(database_url: str, db: asyncpg.Connection):
    await db.execute("DROP SCHEMA jobs CASCADE")
    before = await fingerprint(db)
    assert before
    applied = await migrate.migrate(db, SystemClock().now(), lambda _: None)
    assert applied == len(migrate.packaged())
    assert await fingerprint(db) == before
    assert await migrate.migrate(db, SystemClock().now(), lambda _: None) == 0


async def test_several_may_migrate_at_once(database_url: str, db: asyncpg.Connection):
    await db.execute("DROP SCHEMA jobs CASCADE")
    connections = [await asyncpg.connect(database_url) for _ in range(4)]
    applied = await asyncio.gather(
        *[migrate.migrate(connection, SystemClock().now(), lambda _: None) for connection in connections]
    )
    assert sum(applied) == len(migrate.packaged())
    for connection in connections:
        await connection.close()


async def test_boot_refuses_an_older_schema_and_takes_a_newer_one(settings: Settings, db: asyncpg.Connection):
    await db.execute("INSERT INTO jobs.schema_migrations VALUES (9999, 'of a later release', now())")
    async with running_server(settings) as server:
        assert (await server.get("/readyz"))[0] == 200
        await db.execute("DELETE FROM jobs.schema_migrations WHERE version > 1")
        status, readiness = await server.get("/readyz")
        assert (status, "agenciaos-jobs migrate" in readiness["schema_version"]) == (503, True)
    with pytest.raises(SchemaError, match="run `agenciaos-jobs migrate`"):
        async with running_server(settings):
            pass


async def test_months_have_partitions_and_ids_find_theirs(db: asyncpg.Connection):
    now = SystemClock().now()
    run_id = make_id("run", now, 0)
    await db.execute(
        """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at,
                                  updated_at, due_at)
           VALUES ($1, 't', 'QUEUED', '{}', 's', 1, 1, now(), now(), now())""",
        run_id,
    )
    partition = await db.fetchval("SELECT tableoid::regclass::text FROM jobs.runs")
    assert partition == f"jobs.runs_{now:%Y_%m}"
    assert await db.fetchval("SELECT jobs.id_floor('run', $1)", now) == run_id[:14]


async def test_the_demo_s_data_are_the_same_however_often_they_are_seeded(db: asyncpg.Connection):
    before = await db.fetchval("SELECT count(*) FROM revenues")
    await seed.seed(db, SystemClock().now())
    assert await db.fetchval("SELECT count(*) FROM revenues") == before > 90
