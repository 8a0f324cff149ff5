"""A worker that is killed in the middle of a month: what it has committed stays, and another goes on from there."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
from support.processes import worker
from support.service import running_server

from agenciaos_jobs.reports.generator import CHUNK
from agenciaos_jobs.settings import Settings

AGENCIES = CHUNK + CHUNK // 2
"""A whole chunk and half of one."""

SEED = f"""
INSERT INTO users (id, email, "updatedAt")
SELECT 'many-' || n, n || '@many.example', now() FROM generate_series(1, {AGENCIES}) AS n;
DELETE FROM agencies;
INSERT INTO agencies (id, name, slug, "ownerId", "createdAt", "updatedAt")
SELECT id, 'Agência ' || id, id, id, '2020-01-01', now() FROM users WHERE id LIKE 'many-%';
INSERT INTO revenues (id, "agencyId", description, amount, category, date, "updatedAt")
SELECT id, id, '', 10.01, 'Mídia', '2026-10-15', now() FROM agencies;
"""

SAME_REPORT = """
INSERT INTO jobs.monthly_report_revisions
  (month, agency_id, revision, agency_name, figures, snapshot, run_id, generated_at)
SELECT '2026-10-01', max(id), 1, '', '{}', '{}', '', now() FROM agencies"""

WRITTEN = """
SELECT agency_id, revision, listed.revenue, report.xmin::text AS written_by, listed.xmin::text AS listed_by
FROM jobs.monthly_report_revisions AS report JOIN jobs.monthly_reports AS listed USING (agency_id, month)"""
"""Each report, and which transactions wrote it."""


@asynccontextmanager
async def blocked(database_url: str) -> AsyncIterator[None]:
    """Within this block, the chunk with the last agency waits for a transaction that inserts the same report."""
    connection = await asyncpg.connect(database_url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(SAME_REPORT)
        yield
    finally:
        await connection.close()


async def waits_for_a_lock(db: asyncpg.Connection) -> None:
    backends = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while not await db.fetchval(f"SELECT EXISTS ({backends})"):
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_another_worker_goes_on_after_the_chunk_that_a_killed_one_committed(
    settings: Settings, tmp_path: Path, database_url: str, db: asyncpg.Connection
):
    await db.execute(SEED)
    async with running_server(settings) as service, worker(settings, tmp_path) as killed:
        async with blocked(database_url):
            run_id = await service.trigger("monthly-report", {"month": "2026-10"})
            done = {"month": "2026-10", "written": CHUNK, "of": AGENCIES}
            await service.reaches(run_id, lambda run: run.get("metadata", {}).get("progress") == done)
            await waits_for_a_lock(db)
            killed.interrupt(signal.SIGKILL)
            await killed.ends()
        assert f'"done":{CHUNK}' in await killed.says("reports_written")
        first = await db.fetch(WRITTEN)
        async with worker(settings, tmp_path):
            run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
    assert run["attempts"][0]["error"]["name"] == "worker_lost"
    assert run["metadata"]["progress"] == {**done, "written": AGENCIES}
    output = run["output"]
    assert (output["created"], output["updated"], output["unchanged"]) == (AGENCIES, 0, 0)
    assert Decimal(output["revenue"]) == AGENCIES * Decimal("10.01")
    reports = await db.fetch(WRITTEN)
    assert len({row["agency_id"] for row in reports}) == len(reports) == AGENCIES
    assert {(row["revision"], row["revenue"]) for row in reports} == {(1, Decimal("10.01"))}
    assert len(first) == CHUNK
    assert set(first) < set(reports)  # not a row of the first chunk was written again
