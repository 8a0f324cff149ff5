"""How many runs a second workers drain: no-op runs, and 50 ms runs in ten slots."""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from arq.connections import RedisSettings, create_pool

from agenciaos_jobs.engine.intake import new_run
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_base
from bench import workers
from bench.jobs import NOOP
from bench.table import Row


def measure(environment: Mapping[str, str], runs: int) -> list[Row]:
    stock = asyncio.run(_stock(environment, min(runs, 1_000), {}))
    tuned = asyncio.run(_stock(environment, runs, {"TUNED": "1"}))
    rows = [Row("no-op runs/s, one worker", "stock arq", stock, "/s"), Row("", "arq, tuned", tuned, "/s", stock)]
    for who, command in (("arq command, ours", workers.OURS_UNDER_ARQ), ("agenciaos-jobs worker", workers.OURS)):
        rows.append(Row("", f"{who}, full history", asyncio.run(_ours(environment, runs, command)), "/s", stock))
    one = rows[-1].value
    for count in (2, 4):
        rate = asyncio.run(_ours(environment, runs, workers.OURS, count))
        rows.append(Row(f"{count} workers", "agenciaos-jobs worker", rate, "/s", one))
    slots = {"SLOTS": "10"}
    stock_slots = asyncio.run(_stock(environment, 200, slots, seconds=0.05))
    ours_slots = asyncio.run(_ours(environment, 600, workers.OURS, seconds=0.05, slots=10))
    rows.append(Row("50 ms runs in 10 slots (ideal 200)", "stock arq", stock_slots, "/s"))
    rows.append(Row("", "agenciaos-jobs worker", ours_slots, "/s", stock_slots))
    return rows


async def _stock(environment: Mapping[str, str], runs: int, options: Mapping[str, str], seconds: float = 0) -> float:
    redis = await create_pool(RedisSettings.from_dsn(environment["REDIS_URL"]))
    await redis.flushall()
    for _ in range(runs):
        await redis.enqueue_job("noop", time.time(), seconds)
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log"
        with workers.process(workers.STOCK_ARQ, {**environment, **options}, "redis_version", log):
            began = time.monotonic()
            while await redis.llen("bench:done") < runs:
                await asyncio.sleep(0.01)
            took = time.monotonic() - began
    await redis.flushall()
    await redis.aclose()
    return runs / took


async def _ours(
    environment: Mapping[str, str],
    runs: int,
    command: list[str],
    count: int = 1,
    *,
    seconds: float = 0,
    slots: int = 100,
) -> float:
    settings = Settings(database_url=environment["DATABASE_URL"], redis_url=environment["REDIS_URL"])
    with tempfile.TemporaryDirectory() as name, ExitStack() as started:
        for number in range(count):
            given = {**environment, "WORKER_MAX_JOBS": str(slots)}
            started.enter_context(workers.process(command, given, "worker_started", Path(name) / str(number)))
        async with open_base(settings) as base:
            await base.app.database.execute("TRUNCATE jobs.runs, jobs.attempts")
            # All become due at one moment, when the workers are up and everything is in the queue.
            run = new_run(
                NOOP, {"sent_at": 0, "seconds": seconds}, source="bench", delay=timedelta(seconds=runs / 2_000 + 2)
            )
            await asyncio.gather(*[base.intake.trigger(run) for _ in range(runs)])
            await base.sender.flush()
            while await base.app.database.fetchval("SELECT count(*) FROM jobs.runs WHERE finished_at IS NULL"):
                await asyncio.sleep(0.2)
            took = await base.app.database.fetchval("SELECT max(finished_at) - min(started_at) FROM jobs.runs")
    return runs / float(took.total_seconds())
