"""Servers and workers are replaced one by one under load: nothing is lost, nothing is answered with 5xx."""

import asyncio
import signal
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from conftest import KEY
from support.balancer import Balancer
from support.double import OpenAIDouble
from support.load import Load
from support.processes import Command, environment, running

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.settings import Settings


class Deployment:
    """Two servers behind a balancer and two workers; each can be replaced."""

    def __init__(self, stack: AsyncExitStack, env: dict[str, str], cwd: Path, balancer: Balancer) -> None:
        self._stack, self._env, self._cwd, self._balancer = stack, env, cwd, balancer
        self.servers: list[tuple[str, Command]] = []
        self.workers: list[Command] = []
        self.exits: list[int] = []

    async def _start(self, *command: str, **env: str) -> Command:
        return await self._stack.enter_async_context(running(*command, env={**self._env, **env}, cwd=self._cwd))

    async def add_server(self) -> None:
        port = embedded.free_port()
        url = f"http://127.0.0.1:{port}"
        self.servers.append((url, await self._start("agenciaos-jobs", "serve", PORT=str(port))))
        self._balancer.backends.append(url)
        await self._balancer.finds(url)

    async def add_worker(self, *command: str) -> None:
        self.workers.append(await self._start(*command))
        await self.workers[-1].says("worker_started")

    async def replace_server(self) -> None:
        await self.add_server()
        url, old = self.servers.pop(0)
        old.interrupt(signal.SIGTERM)
        self.exits.append(await old.ends(30))
        self._balancer.backends.remove(url)

    async def replace_worker(self, *command: str) -> None:
        await self.add_worker(*command)
        old = self.workers.pop(0)
        old.interrupt(signal.SIGTERM)
        self.exits.append(await old.ends(30))


@pytest.mark.slow
async def test_a_rolling_deploy_loses_nothing_and_answers_no_5xx(
    settings: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble, tmp_path: Path
):
    env = environment(settings, AGENCY_CONCURRENCY="100", SHUTDOWN_DELAY="1.5")
    async with AsyncExitStack() as stack:
        balancer = await stack.enter_async_context(Balancer().running())
        deployment = Deployment(stack, env, tmp_path, balancer)
        arq = ("arq", "agenciaos_jobs.worker.WorkerSettings")
        for _ in range(2):
            await deployment.add_server()
        await deployment.add_worker(*arq)
        await deployment.add_worker("agenciaos-jobs", "worker")
        load = Load(balancer.url)
        loading = asyncio.create_task(load.run())
        for _ in range(2):
            await deployment.replace_server()
            await deployment.replace_worker(*arq)
        load.is_over = True
        await loading
        async with asyncio.timeout(60):
            while await db.fetchval("SELECT count(*) FROM jobs.runs WHERE finished_at IS NULL"):
                await asyncio.sleep(0.1)
        ended = await db.fetch("SELECT id, status, attempt FROM jobs.runs")
        failed = await db.fetch("SELECT run_id, worker_id, error FROM jobs.attempts WHERE status <> 'COMPLETED'")
    slowest = sorted(load.seconds)[int(len(load.seconds) * 0.99)]
    print(f"{len(load.run_ids)} triggers, {dict(load.statuses)}, p99 {slowest:.3f} s, exits {deployment.exits}")
    assert set(load.statuses) == {200}, balancer.bad_gateways
    assert {run["id"] for run in ended} >= set(load.run_ids)
    assert Counter(run["status"] for run in ended) == {"COMPLETED": len(ended)}
    assert ({run["attempt"] for run in ended}, failed) == ({1}, [])  # a drain spends none
    assert deployment.exits == [0, 0, 0, 0]
    assert await db.fetchval("SELECT count(*) FROM ai_usage WHERE starts_with(id, 'run_')") == sum(
        1 for run in await db.fetch("SELECT FROM jobs.runs WHERE task = 'generate-ai-content'")
    )


async def test_a_server_that_is_to_stop_says_so_and_still_answers(settings: Settings, tmp_path: Path):
    port = embedded.free_port()
    env = environment(settings, PORT=str(port), SHUTDOWN_DELAY="30")
    async with running("agenciaos-jobs", "serve", env=env, cwd=tmp_path) as server:
        await server.says("server_started")
        headers = {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as http:
            server.interrupt(signal.SIGTERM)
            await server.says("server_draining")
            async with http.get("/readyz") as response:
                assert (response.status, (await response.json())["status"]) == (503, "draining")
            async with http.post("/api/trigger", json={"type": "monthly-report", "payload": {}}) as response:
                assert (response.status, response.headers["Connection"]) == (200, "close")
        server.interrupt(signal.SIGTERM)  # a second one does not wait
        assert await server.ends(10) == 0
