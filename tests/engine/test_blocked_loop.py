"""Jobs that block the event loop of their worker: what becomes of them and of the runs beside them, and the reports."""

import asyncio
import json
import runpy
import signal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from support.processes import worker
from support.service import running_server

from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.settings import Settings

HOLDERS = """
import asyncio, hashlib, re, time
from pydantic import BaseModel
from agenciaos_jobs import Backoff, Job, Limits, RunContext


class Hold(BaseModel):
    how: str = ""
    seconds: float = 14


def sleep(seconds):
    time.sleep(seconds)


def count(seconds):
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        pass


def match(_):
    re.match("(a+)+$", "a" * 29 + "b")  # twice as long for each more: about 15 seconds


async def in_a_task(seconds):
    time.sleep(seconds)


async def hold(context: RunContext, payload: Hold):
    if context.run.attempt > 1:
        return {"attempt": context.run.attempt}
    if payload.how == "in_a_task":
        await asyncio.gather(in_a_task(payload.seconds))
    else:
        globals()[payload.how](payload.seconds)
    return {"attempt": 1}


async def wait(context: RunContext, payload: Hold):
    await asyncio.sleep(payload.seconds)
    return {}


QUICK = Backoff(minimum=0.01, maximum=0.02)
JOBS = [
    Job("hold", Hold, hold, limits=Limits(backoff=QUICK)),
    Job("hold-briefly", Hold, hold, limits=Limits(max_duration=1, backoff=QUICK)),
    Job("wait", Hold, wait, limits=Limits(backoff=QUICK)),
]
"""


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, Job[Any]]:
    path = tmp_path / "holders.py"
    path.write_text(HOLDERS)
    return {job.task: job for job in runpy.run_path(str(path))["JOBS"]}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", ["sleep", "count", "match"])
async def test_a_loop_that_is_blocked_for_longer_than_a_lease_costs_no_run_an_attempt(
    settings: Settings, tmp_path: Path, db: asyncpg.Connection, jobs: dict[str, Job[Any]], how: str
):
    async with running_server(settings) as service, worker(settings, tmp_path, JOBS_MODULES="holders") as process:
        beside = [await service.start(jobs["wait"], {"seconds": 2}) for _ in range(3)]
        for run_id in beside:
            await service.reaches(run_id, lambda run: run["isExecuting"])
        held = await service.start(jobs["hold"], {"how": how})
        await process.says("event_loop_blocked")
        async with worker(settings, tmp_path, JOBS_MODULES="holders"):  # it would rescue them
            await process.says('"task":"hold","agency_id":null,"attempt":1,"duration"', patience=120)
            runs = [await service.finished(run_id) for run_id in [held, *beside]]
    assert [(run["status"], run["attemptCount"]) for run in runs] == [("COMPLETED", 1)] * 4
    alert = await db.fetchrow("SELECT key, subjects, details FROM jobs.alerts WHERE kind = 'event_loop_blocked'")
    assert (alert["key"], alert["subjects"]) == ("hold", [held])
    assert f", in {how}\n" in json.loads(alert["details"])["stack"]


@pytest.mark.slow
async def test_a_blocked_loop_is_reported_with_the_run_and_the_line(
    settings: Settings, tmp_path: Path, db: asyncpg.Connection, jobs: dict[str, Job[Any]]
):
    async with running_server(settings) as service, worker(settings, tmp_path, JOBS_MODULES="holders") as process:
        for how in ("sleep", "in_a_task"):
            run_id = await service.start(jobs["hold"], {"how": how, "seconds": 2})
            assert (await service.finished(run_id))["attemptCount"] == 1
            (line,) = [json.loads(text) for text in process.lines if "event_loop_blocked" in text and run_id in text]
            assert (line["task"], f", in {how}\n" in line["stack"], line["seconds"] >= 1) == ("hold", True, True)
            stored = await db.fetchrow("SELECT level, message, fields FROM jobs.run_logs WHERE run_id = $1", run_id)
            assert (stored["level"], stored["message"]) == ("warning", "event_loop_blocked")
            assert json.loads(stored["fields"])["stack"] == line["stack"]
    assert await db.fetchval("SELECT count(*) FROM jobs.alerts WHERE kind = 'event_loop_blocked'") == 0


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_loop_that_is_blocked_beyond_the_time_of_every_attempt_loses_the_lease(
    settings: Settings, tmp_path: Path, jobs: dict[str, Job[Any]]
):
    async with running_server(settings) as service, worker(settings, tmp_path, JOBS_MODULES="holders") as process:
        run_id = await service.start(jobs["hold-briefly"], {"how": "sleep", "seconds": 600})
        await process.says("event_loop_blocked")
        async with worker(settings, tmp_path, JOBS_MODULES="holders") as other, asyncio.timeout(60):
            await other.says('"worker_lost"')
            run = await service.finished(run_id)
        process.interrupt(signal.SIGKILL)
        await process.ends()
    assert (run["status"], run["output"]) == ("COMPLETED", {"attempt": 2})
