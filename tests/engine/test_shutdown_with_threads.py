"""SIGTERM for workers whose jobs work in threads, which cannot be stopped: the process ends all the same."""

import asyncio
import runpy
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.processes import worker
from support.service import running_server

from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.settings import Settings

THREADED = """
import asyncio, os, time
from pathlib import Path
from pydantic import BaseModel
from agenciaos_jobs import Job, Limits, RunContext


class Payload(BaseModel):
    pass


def work(context: RunContext, _: Payload):
    beats = Path("beats")
    for _ in range(3_000):
        with beats.open("a") as file:
            file.write(f"{os.getpid()}\\n")
        if len(set(beats.read_text().split())) > 1:
            return {}
        time.sleep(0.02)


async def hand_over(context: RunContext, payload: Payload):
    return await asyncio.to_thread(work, context, payload)


def oversleep(context: RunContext, _: Payload):
    time.sleep(60)


JOBS = [
    Job("blocking", Payload, work, blocking=True),
    Job("to-thread", Payload, hand_over),
    Job("oversleep", Payload, oversleep, blocking=True, limits=Limits(max_duration=1)),
]
"""


COMMANDS = pytest.mark.parametrize("command", [(), ("agenciaos-jobs", "worker")], ids=["arq", "own"])


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, Job[Any]]:
    path = tmp_path / "threaded.py"
    path.write_text(THREADED)
    return {job.task: job for job in runpy.run_path(str(path))["JOBS"]}


@pytest.mark.slow
@COMMANDS
@pytest.mark.parametrize("task", ["blocking", "to-thread"])
async def test_a_worker_ends_in_time_and_its_run_starts_elsewhere_only_after_the_thread(
    settings: Settings, tmp_path: Path, jobs: dict[str, Job[Any]], command: tuple[str, ...], task: str
):
    given = {"JOBS_MODULES": "threaded", "SHUTDOWN_GRACE": "1"}
    async with running_server(settings) as service, worker(settings, tmp_path, *command, **given) as first:
        run_id = await service.start(jobs[task])
        async with asyncio.timeout(20):
            while not (tmp_path / "beats").exists():
                await asyncio.sleep(0.02)
        async with worker(settings, tmp_path, *command, **given):
            first.interrupt(signal.SIGTERM)
            assert await first.ends(3) == 0
            assert '"outcome":"handed_back"' in first.text
            run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    pids = (tmp_path / "beats").read_text().split()
    assert sum(before != after for before, after in pairwise(pids)) == 1


@pytest.mark.slow
@COMMANDS
async def test_a_worker_does_not_wait_for_the_thread_of_an_attempt_that_has_ended(
    settings: Settings, tmp_path: Path, jobs: dict[str, Job[Any]], command: tuple[str, ...]
):
    given = {"JOBS_MODULES": "threaded", "SHUTDOWN_GRACE": "20"}
    async with running_server(settings) as service, worker(settings, tmp_path, *command, **given) as process:
        run_id = await service.start(jobs["oversleep"])
        assert (await service.finished(run_id))["status"] == "TIMED_OUT"
        process.interrupt(signal.SIGTERM)
        assert await process.ends(3) == 0
