"""How many runs a second workers drain: no-op runs, and 50 ms runs in ten slots."""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median

from redis.asyncio import Redis

from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from bench import workers
from bench.contestants import PEERS, Arq, Contestant, TunedArq
from bench.jobs import NOOP
from bench.table import Row

_SLOTS = 100
_LEFT = "SELECT count(*) FROM jobs.runs WHERE status IN ('DELAYED', 'QUEUED', 'EXECUTING')"
_TOOK = "SELECT max(finished_at) - min(started_at) FROM jobs.runs WHERE id >= jobs.id_floor('run', $1)"


def measure(environment: Mapping[str, str], runs: int) -> list[Row]:
    stock = asyncio.run(_theirs(environment, Arq("stock arq"), min(runs, 1_000)))
    rows = [Row("no-op runs/s, one worker", "stock arq", stock, "/s")]
    for other in (TunedArq("arq, tuned"), *PEERS):
        rows.append(Row("", other.name, asyncio.run(_theirs(environment, other, runs)), "/s", stock))
    under_arq = asyncio.run(drain(environment, runs, workers.OURS_UNDER_ARQ))
    one, two, four = _by_workers(environment, runs)
    return [
        *rows,
        Row("", "arq command, ours, full history", under_arq, "/s", stock),
        Row("", "agenciaos-jobs worker, full history", one, "/s", stock),
        Row("2 workers", "agenciaos-jobs worker", two, "/s", one),
        Row("4 workers", "agenciaos-jobs worker", four, "/s", one),
        *_with_ten_slots(environment),
    ]


def _by_workers(environment: Mapping[str, str], runs: int) -> list[float]:
    """The rates of one, two and four workers: medians of three rounds, for no two of them are alike."""
    counts, rounds = (1, 2, 4), 3
    rates = [[asyncio.run(drain(environment, runs, workers.OURS, count)) for count in counts] for _ in range(rounds)]
    return [median(of_count) for of_count in zip(*rates, strict=True)]


def _with_ten_slots(environment: Mapping[str, str]) -> list[Row]:
    stock = asyncio.run(_theirs(environment, Arq("stock arq"), 200, seconds=0.05, slots=10))
    rows = [Row("50 ms runs in 10 slots (ideal 200)", "stock arq", stock, "/s")]
    for other in PEERS:
        rate = asyncio.run(_theirs(environment, other, 1_000, seconds=0.05, slots=10))
        rows.append(Row("", other.name, rate, "/s", stock))
    ours = asyncio.run(drain(environment, 1_000, workers.OURS, seconds=0.05, slots=10))
    return [*rows, Row("", "agenciaos-jobs worker", ours, "/s", stock)]


async def _theirs(
    environment: Mapping[str, str], other: Contestant, runs: int, *, seconds: float = 0, slots: int = _SLOTS
) -> float:
    """Jobs a second between the start of the first one and the end of the last one."""
    redis = Redis.from_url(environment["REDIS_URL"])
    await redis.flushall()
    await other.open(environment["REDIS_URL"])
    for _ in range(runs):
        await other.enqueue(seconds)
    given = {**environment, **other.options, "SLOTS": str(slots)}
    if isinstance(other, Arq):
        del given["SLOTS"]  # ten by default; tuned by its own options
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log"
        with workers.process(other.command(slots), given, other.ready, log):
            began = None
            while await redis.llen("bench:done") < runs:
                began = began or (time.monotonic() if await redis.llen("bench:done") else None)
                await asyncio.sleep(0.005)
            took = time.monotonic() - (began or 0)
    await other.close()
    await redis.flushall()
    await redis.aclose()
    return runs / took


async def drain(
    environment: Mapping[str, str],
    runs: int,
    command: list[str],
    count: int = 1,
    *,
    seconds: float = 0,
    slots: int = _SLOTS,
    keep: bool = False,
) -> float:
    """Our runs a second, from the first start to the last end; ``keep`` leaves what was stored before."""
    settings = Settings(database_url=environment["DATABASE_URL"], redis_url=environment["REDIS_URL"])
    with tempfile.TemporaryDirectory() as name, ExitStack() as started:
        for number in range(count):
            given = {**environment, "WORKER_MAX_JOBS": str(slots)}
            started.enter_context(workers.process(command, given, "worker_started", Path(name) / str(number)))
        async with open_runtime(settings) as runtime:
            database = runtime.database
            if not keep:
                await database.execute("TRUNCATE jobs.runs, jobs.attempts")
            since = await database.fetchval("SELECT clock_timestamp()")
            # All become due at one moment, when the workers are up and everything is in the queue.
            run = new_run(
                NOOP, {"sent_at": 0, "seconds": seconds}, source="bench", delay=timedelta(seconds=runs / 2_000 + 2)
            )
            await asyncio.gather(*[runtime.intake.trigger(run) for _ in range(runs)])
            await runtime.outbox.flush()
            while await database.fetchval(_LEFT):
                await asyncio.sleep(0.2)
            took = await database.fetchval(_TOOK, since)
    return runs / float(took.total_seconds())
