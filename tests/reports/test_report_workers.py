"""Workers that are lost in the middle of a month: what they committed stays, and another goes on from there."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from support.probe import Probe
from support.processes import worker
from support.service import Service, running_server, running_service

from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports import generator
from agenciaos_jobs.reports.generator import CHUNK
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store import generation
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


async def test_an_attempt_goes_on_with_the_chunks_that_an_earlier_one_left(
    service: Service, books: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    write, calls, drafts = generation.write_chunk, [], []
    draft = generation.draft

    async def breaks_once(*arguments: object, **options: object) -> object:
        calls.append(len(drafts))
        if len(calls) == 2:
            raise ConnectionError("the worker was killed")
        return await write(*arguments, **options)

    async def counted(*arguments: object, **options: object) -> object:
        drafts.append(arguments)
        return await draft(*arguments, **options)

    monkeypatch.setattr(generator, "CHUNK", 1)
    monkeypatch.setattr(generation, "write_chunk", breaks_once)
    monkeypatch.setattr(generation, "draft", counted)
    run = await service.outcome("monthly-report", {"month": "2026-10"})
    assert (run["status"], run["attemptCount"], run["output"]["created"]) == ("COMPLETED", 2, 3)
    assert (len(drafts), len(calls)) == (1, 4)
    assert run["metadata"]["progress"] == {"month": "2026-10", "written": 3, "of": 3}
    left = await books.fetchval("SELECT (SELECT count(*) FROM jobs.report_drafts) + count(*) FROM jobs.report_progress")
    assert left == 0


async def test_a_frozen_worker_s_attempt_and_the_one_after_it_write_each_report_once(
    settings: Settings, books: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    async def act(context: Any) -> Any:
        attempts = [generator.generate(context, Month(2026, 10), None, deliver) for _ in range(2)]
        return [progress.created for progress in await asyncio.gather(*attempts)]

    async def deliver(*_: object) -> None:
        pass

    monkeypatch.setattr(generator, "CHUNK", 1)
    probe = Probe(act, attempts=1)
    job = replace(probe.job, uses=Reports)
    async with running_service(settings, {job.task: job}) as service:
        run = await service.finished(await service.start(job))
    assert (run["status"], run.get("output")) == ("COMPLETED", [3, 3])
    revisions = await books.fetch("SELECT revision FROM jobs.monthly_report_revisions")
    assert [row["revision"] for row in revisions] == [1, 1, 1]
