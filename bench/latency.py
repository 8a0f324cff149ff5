"""From trigger to start on an idle worker, and what idling costs."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from arq.connections import RedisSettings, create_pool

from agenciaos_jobs.engine.intake import new_run
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_base
from bench import workers
from bench.jobs import NOOP
from bench.table import Row

_SAMPLES = 60
_PAUSE = 0.05


def measure(environment: Mapping[str, str], _: int) -> list[Row]:
    rows: list[Row] = []
    stock = asyncio.run(_stock(environment))
    rows += _rows("stock arq", stock, None)
    for who, command in (("arq command, ours", workers.OURS_UNDER_ARQ), ("agenciaos-jobs worker", workers.OURS)):
        rows += _rows(who, asyncio.run(_ours(environment, command)), stock)
    return rows


def _rows(who: str, found: tuple[list[float], float], base: tuple[list[float], float] | None) -> list[Row]:
    waits, share = found
    p50, p95 = statistics.median(waits), statistics.quantiles(waits, n=20)[-1]
    base95 = statistics.quantiles(base[0], n=20)[-1] if base else None
    return [
        Row("trigger to start, idle", who, p50 * 1000, "ms p50"),
        Row("", who, p95 * 1000, "ms p95", base95 and base95 * 1000, less=True),
        Row("", who, share, "% of a core, idle"),
    ]


async def _stock(environment: Mapping[str, str]) -> tuple[list[float], float]:
    redis = await create_pool(RedisSettings.from_dsn(environment["REDIS_URL"]))
    await redis.flushall()
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log"
        with workers.process(workers.STOCK_ARQ, environment, "redis_version", log) as process:
            for _ in range(_SAMPLES // 2):
                await redis.enqueue_job("noop", time.time())
                await asyncio.sleep(0.3 + _PAUSE)
            while await redis.llen("bench:done") < _SAMPLES // 2:
                await asyncio.sleep(0.1)
            share = await asyncio.to_thread(workers.cpu_share, process, 5)
    waits = [float(value) for value in await redis.lrange("bench:done", 0, -1)]
    await redis.flushall()
    await redis.aclose()
    return waits, share


async def _ours(environment: Mapping[str, str], command: list[str]) -> tuple[list[float], float]:
    settings = Settings(database_url=environment["DATABASE_URL"], redis_url=environment["REDIS_URL"])
    async with open_base(settings) as base:
        await base.app.database.execute("TRUNCATE jobs.runs, jobs.attempts")
        with tempfile.TemporaryDirectory() as name:
            log = Path(name) / "log"
            with workers.process(command, environment, "worker_started", log) as process:
                await asyncio.sleep(1)
                for _ in range(_SAMPLES):
                    await base.intake.trigger(new_run(NOOP, {"sent_at": time.time()}, source="bench"))
                    await asyncio.sleep(_PAUSE)
                await asyncio.sleep(1)
                share = await asyncio.to_thread(workers.cpu_share, process, 5)
        records = await base.app.database.fetch("SELECT output FROM jobs.runs WHERE status = 'COMPLETED'")
    return [record["output"]["waited"] for record in records], share
