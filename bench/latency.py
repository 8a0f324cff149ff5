"""From trigger to start on an idle worker, and what idling costs."""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from redis.asyncio import Redis

from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from bench import workers
from bench.contestants import PEERS, Arq, Contestant
from bench.jobs import NOOP
from bench.table import Row

_SAMPLES = 60
_PAUSE = 0.05


def measure(environment: Mapping[str, str], _: int) -> list[Row]:
    stock = asyncio.run(_theirs(environment, Arq("stock arq")))
    rows = _rows("stock arq", stock, None)
    for other in PEERS:
        rows += _rows(other.name, asyncio.run(_theirs(environment, other)), stock)
    for who, command in (("arq command, ours", workers.OURS_UNDER_ARQ), ("agenciaos-jobs worker", workers.OURS)):
        rows += _rows(who, asyncio.run(_ours(environment, command)), stock)
    return rows


def _rows(who: str, found: tuple[list[float], float], runtime: tuple[list[float], float] | None) -> list[Row]:
    waits, share = found
    p50, p95 = statistics.median(waits), statistics.quantiles(waits, n=20)[-1]
    base95 = statistics.quantiles(runtime[0], n=20)[-1] if runtime else None
    return [
        Row("trigger to start, idle", who, p50 * 1000, "ms p50"),
        Row("", who, p95 * 1000, "ms p95", base95 and base95 * 1000, less=True),
        Row("", who, share, "% of a core, idle"),
    ]


async def _theirs(environment: Mapping[str, str], other: Contestant) -> tuple[list[float], float]:
    redis = Redis.from_url(environment["REDIS_URL"])
    await redis.flushall()
    await other.open(environment["REDIS_URL"])
    with tempfile.TemporaryDirectory() as name:
        log, given = Path(name) / "log", {**environment, **other.options}
        with workers.process(other.command(100), given, other.ready, log) as process:
            await asyncio.sleep(1)
            for _ in range(_SAMPLES):
                await other.enqueue()
                # Out of step with a worker that looks at the queue at fixed times.
                await asyncio.sleep(_PAUSE + random.random() * 0.5)
            while await redis.llen("bench:done") < _SAMPLES:
                await asyncio.sleep(0.1)
            share = await asyncio.to_thread(workers.cpu_share, process, 5)
    waits = [float(value) for value in await redis.lrange("bench:done", 0, -1)]
    await other.close()
    await redis.flushall()
    await redis.aclose()
    return waits, share


async def _ours(environment: Mapping[str, str], command: list[str]) -> tuple[list[float], float]:
    settings = Settings(database_url=environment["DATABASE_URL"], redis_url=environment["REDIS_URL"])
    async with open_runtime(settings) as runtime:
        await runtime.database.execute("TRUNCATE jobs.runs, jobs.attempts")
        with tempfile.TemporaryDirectory() as name:
            log = Path(name) / "log"
            with workers.process(command, environment, "worker_started", log) as process:
                await asyncio.sleep(1)
                for _ in range(_SAMPLES):
                    await runtime.intake.trigger(new_run(NOOP, {"sent_at": time.time()}, source="bench"))
                    await asyncio.sleep(_PAUSE + random.random() * 0.5)
                await asyncio.sleep(1)
                share = await asyncio.to_thread(workers.cpu_share, process, 5)
        records = await runtime.database.fetch("SELECT output FROM jobs.runs WHERE status = 'COMPLETED'")
    return [record["output"]["waited"] for record in records], share
