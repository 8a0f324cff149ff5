"""The engine against what happens in production: real arq processes, killed, frozen, starved of Redis and Postgres."""

import asyncio
import runpy
import signal
from pathlib import Path

import asyncpg
import pytest
from support.double import OpenAIDouble
from support.processes import worker
from support.service import Service, running_server

from agenciaos_jobs.engine import queue
from agenciaos_jobs.settings import Settings

AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
REPORT = {"month": "2026-10"}


async def executing(service: Service, run_ids: list[str]) -> None:
    for run_id in run_ids:
        await service.reaches(run_id, lambda run: run["isExecuting"])


@pytest.mark.slow
async def test_a_killed_worker_s_runs_start_again_elsewhere(
    settings: Settings, tmp_path: Path, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    openai_double.gate.clear()
    async with running_server(settings) as service, worker(settings, tmp_path) as first:
        run_ids = [await service.trigger("ai-content", AI) for _ in range(8)]
        await executing(service, run_ids)
        async with worker(settings, tmp_path) as second:
            first.interrupt(signal.SIGKILL)
            killed_at = asyncio.get_running_loop().time()
            openai_double.gate.set()
            runs = [await service.finished(run_id) for run_id in run_ids]
            assert asyncio.get_running_loop().time() - killed_at < 20
            second.interrupt(signal.SIGTERM)
            assert await second.ends() == 0
    for run in runs:
        assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
        assert run["attempts"][0]["error"]["name"] == "worker_lost"
    assert await db.fetchval("SELECT count(*) FROM ai_usage") == 8
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_reservations") == 8


@pytest.mark.slow
async def test_a_frozen_worker_changes_nothing_when_it_wakes(
    settings: Settings, tmp_path: Path, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    openai_double.gate.clear()
    async with running_server(settings) as service, worker(settings, tmp_path) as frozen:
        run_id = await service.trigger("ai-content", AI)
        await executing(service, [run_id])
        frozen.interrupt(signal.SIGSTOP)
        openai_double.gate.set()  # the answer waits in the frozen worker's socket
        async with worker(settings, tmp_path):
            run = await service.finished(run_id)
            assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
            frozen.interrupt(signal.SIGCONT)
            await frozen.says("run_ownership_lost", '"outcome":"revoked"')
    assert await db.fetchval("SELECT count(*) FROM ai_usage") == 1
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_generations WHERE status = 'completed'") == 1
    assert await db.fetchval("SELECT count(*) FROM jobs.attempts") == 2


@pytest.mark.slow
async def test_a_flushed_redis_under_load_loses_and_repeats_nothing(
    settings: Settings, tmp_path: Path, db: asyncpg.Connection
):
    redis = queue.connect(settings.redis_url.get_secret_value())
    async with running_server(settings) as service, worker(settings, tmp_path), worker(settings, tmp_path):
        run_ids = []
        for number in range(300):
            run_ids.append(await service.trigger("monthly-report", REPORT))
            if number % 50 == 25:
                await redis.flushall()
        runs = [await service.finished(run_id) for run_id in run_ids]
    await redis.aclose()
    assert {(run["status"], run["attemptCount"]) for run in runs} == {("COMPLETED", 1)}
    assert await db.fetchval("SELECT count(*) FROM jobs.attempts") == 300


@pytest.mark.slow
@pytest.mark.parametrize("command", [(), ("agenciaos-jobs", "worker")], ids=["arq", "own"])
async def test_sigterm_waits_for_what_runs_and_hands_back_the_rest(
    settings: Settings, tmp_path: Path, openai_double: OpenAIDouble, command: tuple[str, ...]
):
    openai_double.gate.clear()
    async with running_server(settings) as service:
        async with worker(settings, tmp_path, *command, SHUTDOWN_GRACE="30") as process:
            run_id = await service.trigger("ai-content", AI)
            await executing(service, [run_id])
            process.interrupt(signal.SIGTERM)
            await process.says("worker_draining")
            waiting = await service.trigger("monthly-report", REPORT)
            openai_double.gate.set()
            assert await process.ends(10) == 0
        assert (await service.run(run_id))["status"] == "COMPLETED"
        assert (await service.run(waiting))["status"] == "QUEUED"
        openai_double.gate.clear()
        async with worker(settings, tmp_path, *command, SHUTDOWN_GRACE="30") as process:
            run_id = await service.trigger("ai-content", AI)
            await executing(service, [run_id])
            process.interrupt(signal.SIGTERM)
            await process.says("worker_draining")
            process.interrupt(signal.SIGTERM)
            assert await process.ends(10) == 0
        run = await service.run(run_id)
        assert (run["status"], run["attemptCount"], run["attempts"]) == ("QUEUED", 0, [])
        openai_double.gate.set()
        async with worker(settings, tmp_path, *command):
            run = await service.finished(run_id)
            assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)


async def test_an_executing_run_is_canceled_within_two_seconds(
    settings: Settings, tmp_path: Path, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    openai_double.gate.clear()
    async with running_server(settings) as service, worker(settings, tmp_path) as process:
        run_id = await service.trigger("ai-content", AI)
        await service.reaches(run_id, lambda _: openai_double.calls)
        began = asyncio.get_running_loop().time()
        assert await service.post(f"/api/v2/runs/{run_id}/cancel", {}) == (200, {"id": run_id})
        await process.says('"outcome":"revoked"')
        assert asyncio.get_running_loop().time() - began < 2
        async with asyncio.timeout(2):
            while openai_double.calls[-1].transport is not None:  # the call to the model is hung up
                await asyncio.sleep(0.01)
        run = await service.run(run_id)
        assert (run["status"], run["isCancelled"]) == ("CANCELED", True)
        assert [attempt["status"] for attempt in run["attempts"]] == ["CANCELED"]
        assert await db.fetchval("SELECT count(*) FROM jobs.ai_reservations") == 0
        assert await service.post(f"/api/v2/runs/{run_id}/cancel", {}) == (200, {"id": run_id})


@pytest.mark.slow
async def test_poison_takes_workers_down_three_times_at_most_and_blocks_nobody(settings: Settings, tmp_path: Path):
    (tmp_path / "poison.py").write_text(POISON)
    job = runpy.run_path(str(tmp_path / "poison.py"))["JOB"]
    async with running_server(settings) as service:
        deadly = await service.start(job, {"kill": True})
        others = [await service.start(job, {"kill": False}) for _ in range(5)]
        deaths = 0
        async with asyncio.timeout(100):
            while not (await service.run(deadly))["isCompleted"]:
                async with worker(settings, tmp_path, JOBS_MODULES="poison", SHUTDOWN_GRACE="0") as process:
                    ended = asyncio.create_task(process.process.wait())
                    crashed = asyncio.create_task(service.reaches(deadly, lambda run: run["isCompleted"]))
                    await asyncio.wait([ended, crashed], return_when=asyncio.FIRST_COMPLETED)
                    deaths += ended.done()
                    if crashed.done():
                        others_ended = [await service.finished(run_id) for run_id in others]
                    for task in (ended, crashed):
                        task.cancel()
        run = await service.run(deadly)
    assert (run["status"], run["attemptCount"], run["error"]["name"]) == ("CRASHED", 3, "worker_lost")
    assert deaths == 2  # the third time only a process of the run's own died
    assert {other["status"] for other in others_ended} == {"COMPLETED"}


@pytest.mark.slow
async def test_suspects_wait_outside_the_slots(settings: Settings, tmp_path: Path, db: asyncpg.Connection):
    (tmp_path / "suspect.py").write_text(SUSPECT)
    job = runpy.run_path(str(tmp_path / "suspect.py"))["JOB"]
    gate = tmp_path / "gate"
    async with running_server(settings) as service:
        suspects = [await service.start(job, {"gate": str(gate)}) for _ in range(4)]
        await db.execute("UPDATE jobs.runs SET losses = 2")
        async with worker(settings, tmp_path, JOBS_MODULES="suspect", WORKER_MAX_JOBS="1"):
            for run_id in suspects[:2]:  # two at a time, each in a process of its own
                await service.reaches(run_id, lambda run: run["isExecuting"])
            other = await service.finished(await service.start(job, {"gate": None}))
            assert (other["status"], [(await service.run(run_id))["isCompleted"] for run_id in suspects]) == (
                "COMPLETED",
                [False] * 4,
            )
            gate.touch()
            assert {(await service.finished(run_id))["status"] for run_id in suspects} == {"COMPLETED"}


SUSPECT = """
import asyncio, pathlib
from pydantic import BaseModel
from agenciaos_jobs import Job, RunContext


class Payload(BaseModel):
    gate: str | None


async def run(context: RunContext, payload: Payload):
    while payload.gate and not pathlib.Path(payload.gate).exists():
        await asyncio.sleep(0.05)
    return {}


JOB = Job("suspect", Payload, run)
"""

POISON = """
import asyncio, os, signal
from pydantic import BaseModel
from agenciaos_jobs import Job, Limits, RunContext


class Payload(BaseModel):
    kill: bool


async def run(context: RunContext, payload: Payload):
    await asyncio.sleep(0.3)
    if payload.kill:
        os.kill(os.getpid(), signal.SIGKILL)
    return {}


JOB = Job("poison", Payload, run, limits=Limits(attempts=10))
"""
