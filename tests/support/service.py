"""The service inside the test's process: the real aiohttp application and a real arq worker."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
from aiohttp import web
from aiohttp.test_utils import TestServer
from arq.worker import Worker, create_worker

from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.http import keys
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.server import create_app
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.worker import worker_settings

PATIENCE = 20


@dataclass
class Service:
    """A running service and how to talk to it."""

    http: aiohttp.ClientSession
    app: web.Application
    settings: Settings
    url: str

    async def trigger(self, kind: str, payload: Mapping[str, Any] | None = None, **options: Any) -> str:
        """Triggers through the endpoint; returns the run's id."""
        status, body = await self.post("/api/trigger", {"type": kind, "payload": payload or {}, **options})
        assert status == 200, body
        run_id: str = body["jobId"]
        return run_id

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        async with self.http.post(path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        async with self.http.get(path, headers=headers) as response:
            return response.status, await response.json()

    async def run(self, run_id: str) -> dict[str, Any]:
        status, run = await self.get(f"/api/v3/runs/{run_id}")
        assert status == 200, run
        return run

    async def finished(self, run_id: str) -> dict[str, Any]:
        """The run once it has ended."""
        return await self.reaches(run_id, lambda run: run["isCompleted"])

    async def reaches(self, run_id: str, condition: Any) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while not condition(run := await self.run(run_id)):
                await asyncio.sleep(0.02)
        return run

    async def outcome(self, kind: str, payload: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Triggers, waits, and returns the run."""
        return await self.finished(await self.trigger(kind, payload, **options))

    async def start(self, job: Job[Any], payload: dict[str, Any] | None = None, **options: Any) -> str:
        """Starts a run of a job that only the test knows."""
        intake: Intake = self.app[keys.INTAKE]
        return (await intake.trigger(new_run(job, payload or {}, source="test", **options))).run_id


@asynccontextmanager
async def running_server(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Service]:
    app = create_app(settings, clock)
    server = TestServer(app)
    await server.start_server()
    assert settings.trigger_secret_key
    headers = {"Authorization": f"Bearer {settings.trigger_secret_key.get_secret_value()}"}
    try:
        async with aiohttp.ClientSession(server.make_url("/"), headers=headers) as http:
            yield Service(http, app, settings, str(server.make_url("")).rstrip("/"))
    finally:
        await server.close()


@asynccontextmanager
async def running_worker(
    settings: Settings, jobs: Mapping[str, Job[Any]] = JOBS, clock: Clock | None = None
) -> AsyncIterator[Worker]:
    worker = create_worker(worker_settings(settings, jobs, clock, signals=False), handle_signals=False)
    main = asyncio.create_task(worker.main())
    while "worker" not in worker.ctx:
        await asyncio.sleep(0.01)
        if main.done():
            await main
    try:
        yield worker
    finally:
        while not main.done():  # a cancellation can be lost inside a Redis call
            main.cancel()
            await asyncio.wait([main], timeout=0.05)
        try:
            await worker.close()
        except asyncio.CancelledError:  # arq gives up closing when it has canceled a job's last words to Redis
            worker.tasks.clear()
            await worker.close()


@asynccontextmanager
async def running_service(
    settings: Settings, jobs: Mapping[str, Job[Any]] = JOBS, clock: Clock | None = None
) -> AsyncIterator[Service]:
    async with running_server(settings, clock) as service, running_worker(settings, jobs, clock):
        yield service


async def leases_renewed(db: asyncpg.Connection, clock: Clock) -> None:
    """Waits until no worker counts as lost because a test moved the clock past its lease."""
    async with asyncio.timeout(PATIENCE):
        while await db.fetchval("SELECT EXISTS (SELECT FROM jobs.workers WHERE lease_until <= $1)", clock.now()):
            await asyncio.sleep(0.02)
