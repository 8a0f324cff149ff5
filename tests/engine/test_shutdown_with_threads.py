"""SIGTERM for workers whose jobs work in threads, which cannot be stopped: the process ends all the same."""

import asyncio
import runpy
import signal
from itertools import pairwise
from pathlib import Path

import pytest
from support.processes import worker
from support.service import running_server

from agenciaos_jobs.settings import Settings

THREADED = """
import asyncio, os, time
from pathlib import Path
from pydantic import BaseModel
from agenciaos_jobs import Job, RunContext


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


JOBS = [Job("blocking", Payload, work, blocking=True), Job("to-thread", Payload, hand_over)]
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", [(), ("agenciaos-jobs", "worker")], ids=["arq", "own"])
@pytest.mark.parametrize("task", ["blocking", "to-thread"])
async def test_a_worker_ends_in_time_and_its_run_starts_elsewhere_only_after_the_thread(
    settings: Settings, tmp_path: Path, command: tuple[str, ...], task: str
):
    (tmp_path / "threaded.py").write_text(THREADED)
    jobs = {job.task: job for job in runpy.run_path(str(tmp_path / "threaded.py"))["JOBS"]}
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
