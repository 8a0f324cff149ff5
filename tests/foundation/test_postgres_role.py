"""Servers and workers under the role of docs/postgres-role.sql, which owns nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from conftest import in_database
from pydantic import SecretStr
from support.browsing import operator
from support.commands import cli, english
from support.processes import environment
from support.service import running_service

from agenciaos_jobs.cli import database_checks
from agenciaos_jobs.dev import seed
from agenciaos_jobs.engine.model.retention_policy import Fate
from agenciaos_jobs.foundation import database, migrate
from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from agenciaos_jobs.worker import worker_services

ROLE = (Path(__file__).parents[2] / "docs" / "postgres-role.sql").read_text()

AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
PAYMENT = {
    "event": "payment.approved",
    "customerId": "agency-123",
    "productId": "pro-monthly",
    "amount": 97.0,
    "status": "paid",
}


@pytest.fixture
async def owner(servers: dict[str, str]) -> AsyncIterator[asyncpg.Connection]:
    """A database whose owner, no superuser, has made the application's tables and schema jobs, and then the role."""
    admin = await asyncpg.connect(servers["DATABASE_URL"])
    await admin.execute("CREATE ROLE the_owner LOGIN CREATEROLE")
    await admin.execute("CREATE DATABASE test_role OWNER the_owner")
    connection = await asyncpg.connect(in_database(servers["DATABASE_URL"], "test_role"), user="the_owner")
    await seed.create_application_tables(connection)
    await migrate.migrate(connection, SystemClock().now(), lambda _: None)
    await seed.seed(connection, SystemClock().now())
    await connection.execute(ROLE)
    await connection.execute(ROLE)
    yield connection
    await connection.close()
    await admin.execute("DROP DATABASE test_role WITH (FORCE)")
    await admin.execute("DROP ROLE agenciaos_jobs")
    await admin.execute("DROP ROLE the_owner")
    await admin.close()


@pytest.fixture
def limited(settings: Settings, servers: dict[str, str], owner: asyncpg.Connection) -> Settings:
    url = in_database(servers["DATABASE_URL"], "test_role").replace("postgres:@", "agenciaos_jobs:@")
    return settings.model_copy(update={"database_url": SecretStr(url)})


async def findings(settings: Settings) -> dict[str, tuple[str, str]]:
    assert settings.database_url
    pool = await database.connect(settings.database_url.get_secret_value(), size=1)
    try:
        found = [finding async for finding in database_checks.of_schema(pool, settings, SystemClock())]
    finally:
        await pool.close()
    return english(found)


async def test_the_core_of_the_product_works_under_the_role(limited: Settings, owner: asyncpg.Connection):
    assert await owner.fetchval("SELECT NOT rolsuper FROM pg_roles WHERE rolname = 'agenciaos_jobs'")
    assert (await findings(limited))["privileges"][0] == "ok"
    async with running_service(limited) as service, operator(service) as browser:
        written = await service.outcome("ai-content", AI)
        paid = await service.outcome("payment-webhook", PAYMENT)
        report = await service.outcome("monthly-report", {"month": "2026-10"})
        failed = await service.outcome("monthly-report", {"month": "2999-01"})
        assert [run["status"] for run in (written, paid, report, failed)] == [*["COMPLETED"] * 3, "FAILED"], paid
        waiting = await service.trigger("monthly-report", delay="1h")
        await service.post(f"/api/v2/runs/{waiting}/cancel", {})
        assert (await service.run(waiting))["status"] == "CANCELED"
        schedule = {"task": "generate-monthly-reports", "cron": "0 6 1 * *", "deduplicationKey": "k"}
        status, made = await service.post("/api/v1/schedules", schedule)
        assert status == 200, made
        for path in ("/", "/runs", f"/runs/{written['id']}", "/errors", "/alerts", "/payments", "/agencies/agency-123"):
            assert (await browser.get(path))[0] == 200, path
        async with asyncio.timeout(10):
            while not await owner.fetchval("SELECT count(*) FROM jobs.alerts"):
                await asyncio.sleep(0.05)
    assert await owner.fetchval("SELECT plan::text FROM public.agencies WHERE id = 'agency-123'") == "PRO"
    assert await owner.fetchval("SELECT count(*) FROM public.ai_usage WHERE starts_with(id, 'run_')") == 1


async def test_months_are_made_moved_dropped_and_compacted_under_the_role(limited: Settings, owner: asyncpg.Connection):
    now = SystemClock().now()
    old, older = now - timedelta(days=400), now - timedelta(days=500)
    for moment, status in ((old, "COMPLETED"), (older, "COMPLETED"), (older, "COMPLETED"), (older, "QUEUED")):
        number = await owner.fetchval("SELECT count(*) FROM jobs.runs")
        await owner.execute(
            """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at,
                                      updated_at, due_at, finished_at)
               VALUES ($1, 't', $2, '{}', 's', 1, 1, $3, $3, $3, $4)""",
            make_id("run", moment, number),
            status,
            moment,
            None if status == "QUEUED" else moment,
        )
    await owner.execute(f"DROP TABLE jobs.runs_{now:%Y_%m}")
    async with open_runtime(limited) as runtime:
        worker = worker_services(runtime, JOBS)
        await worker.pruner.move_strays()
        assert f"missing: runs_{now:%Y_%m};" in (await findings(limited))["partitions"][1]
        assert await migrate.ensure_partitions(runtime.database, now) == 1
        assert (await findings(limited))["partitions"][0] == "ok"
        pruned = await worker.pruner.prune()
        assert sorted(month.fate for month in pruned) == [Fate.DROPPED, Fate.COMPACTED]
        await worker.pruner.forget()
    assert await owner.fetchval("SELECT array_agg(status) FROM jobs.runs") == ["QUEUED"]


async def test_the_role_can_do_no_more(limited: Settings, owner: asyncpg.Connection):
    assert limited.database_url
    connection = await asyncpg.connect(limited.database_url.get_secret_value())
    try:
        for statement in (
            "SELECT * FROM public.users",
            "UPDATE public.agencies SET name = 'x'",
            "DELETE FROM public.clients",
            "DROP TABLE jobs.alerts",
            "TRUNCATE jobs.runs",
            "ALTER TABLE jobs.payment_events DISABLE TRIGGER ALL",
            "INSERT INTO jobs.schema_migrations VALUES (9999, 'x', now())",
            "CREATE TABLE jobs.more (n int)",
            "CREATE TABLE public.more (n int)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_what_is_missing_is_named(limited: Settings, owner: asyncpg.Connection, tmp_path: Path):
    await owner.execute("REVOKE UPDATE (plan) ON public.agencies FROM agenciaos_jobs")
    await owner.execute("REVOKE DELETE ON jobs.schedules FROM agenciaos_jobs")
    await owner.execute("REVOKE EXECUTE ON FUNCTION jobs.drop_month FROM agenciaos_jobs")
    state, text = (await findings(limited))["privileges"]
    assert state == "fault"
    for part in (
        "DELETE ON jobs.schedules",
        "EXECUTE ON FUNCTION jobs.drop_month(text)",
        "UPDATE (plan) ON public.agencies",
    ):
        assert part in text
    await owner.execute("REVOKE USAGE ON SCHEMA jobs FROM agenciaos_jobs")
    code, printed = await cli("check", env=environment(limited), cwd=tmp_path)
    assert (code, "✘ privileges permission denied for schema jobs; see docs/postgres-role.sql" in printed) == (1, True)
