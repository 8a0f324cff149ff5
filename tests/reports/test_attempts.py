"""The attempts of one report run: each report is written once, whichever attempt comes to it."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from support.probe import Probe
from support.service import Service, running_service

from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports import generator
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store import generation
from agenciaos_jobs.settings import Settings


async def test_an_attempt_goes_on_with_the_chunks_that_an_earlier_one_left(
    service: Service, books: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    write, calls, drafts = generation.write_chunk, [], []
    draft = generation.draft

    async def breaks_once(*arguments: object) -> object:
        calls.append(len(drafts))
        if len(calls) == 2:
            raise ConnectionError("the worker was killed")
        return await write(*arguments)

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
