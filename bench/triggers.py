"""Durable triggers a second through HTTP: one server process, 32 connections, the row committed before the answer."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import uvloop

from agenciaos_jobs.dev import embedded
from bench import workers
from bench.table import Row

_CONNECTIONS = 32
_KEY = "tr_bench_0123456789"


def measure(environment: Mapping[str, str], runs: int) -> list[Row]:
    rows: list[Row] = []
    base = None
    for who, command in (
        ("aiohttp + enqueue_job (not durable)", [sys.executable, "-m", "bench.plain_server"]),
        ("agenciaos-jobs serve (durable)", [sys.executable, "-m", "agenciaos_jobs", "serve"]),
    ):
        rate, p99 = _server(environment, command, runs)
        rows += [Row("HTTP triggers, 32 connections", who, rate, "/s", base), Row("", who, p99 * 1000, "ms p99")]
        base = base or rate
    return rows


def _server(environment: Mapping[str, str], command: list[str], runs: int) -> tuple[float, float]:
    port = embedded.free_port()
    given = {**os.environ, **environment, "TRIGGER_SECRET_KEY": _KEY, "PORT": str(port), "HOST": "127.0.0.1"}
    given["PYTHONPATH"] = str(workers.HERE.parent)
    with tempfile.TemporaryDirectory() as name, (Path(name) / "log").open("w") as log:
        process = subprocess.Popen(command, env=given, stdout=log, stderr=log)
        try:
            embedded.wait_for_port(process, port, "server")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(_load(port, runs))
        finally:
            embedded.stop(process)


async def _load(port: int, runs: int) -> tuple[float, float]:
    body = {"type": "monthly-report", "payload": {"month": "2026-10"}, "delay": "1d"}
    took: list[float] = []
    headers = {"Authorization": f"Bearer {_KEY}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:

        async def one_connection() -> None:
            for _ in range(runs // _CONNECTIONS):
                began = time.perf_counter()
                async with session.post("/api/trigger", json=body) as response:
                    assert response.status == 200, await response.text()
                    await response.read()
                took.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*[one_connection() for _ in range(_CONNECTIONS)])
        total = time.perf_counter() - began
    return len(took) / total, sorted(took)[int(len(took) * 0.99)]
