"""The engine over a thousand stored runs and over a million: drain, trigger to start, a sweep, a list."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import asyncpg

from agenciaos_jobs.engine.store import history
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from agenciaos_jobs.worker import worker_services
from bench import workers
from bench.drain import drain
from bench.table import Row

_SIZES = (1_000, 1_000_000)


def measure(environment: Mapping[str, str], runs: int) -> list[Row]:
    rows: list[Row] = []
    few: list[float] = []
    for size in _SIZES:
        found = asyncio.run(_measure(environment, size, runs))
        runtime: list[float | None] = [*few] if few else [None] * len(found)
        for (what, value, unit, less), before in zip(found, runtime, strict=True):
            rows.append(Row(f"{what}, {size:,} stored", "agenciaos-jobs worker", value, unit, before, less=less))
        few = few or [value for _, value, _, _ in found]
    return rows


async def _measure(environment: Mapping[str, str], size: int, runs: int) -> list[tuple[str, float, str, bool]]:
    await _fill(environment["DATABASE_URL"], size)
    rate = await drain(environment, runs, workers.OURS, keep=True)
    settings = Settings(database_url=environment["DATABASE_URL"], redis_url=environment["REDIS_URL"])
    async with open_runtime(settings) as runtime:
        worker, database = worker_services(runtime, JOBS), runtime.database
        sweep = await _milliseconds(worker.rescuer.run_once)
        listed = await _milliseconds(lambda: history.newest(database, limit=25))
    return [("no-op runs/s", rate, "/s", False), ("a sweep", sweep, "ms", True), ("the newest 25", listed, "ms", True)]


async def _milliseconds(act: Callable[[], Awaitable[object]]) -> float:
    """The median of nine, after one that does not count."""
    took = []
    for _ in range(10):
        began = time.perf_counter()
        await act()
        took.append(1000 * (time.perf_counter() - began))
    return sorted(took[1:])[4]


_RUNS = """
WITH moment AS (SELECT n, now() - n * interval '30 days' / $1::int AS at FROM generate_series(1, $1::int) AS n)
INSERT INTO jobs.runs (id, task, status, payload, output, agency_id, source, max_attempts, max_duration, attempt,
                       created_at, updated_at, due_at, started_at, attempt_started_at, finished_at)
SELECT jobs.id_floor('run', at) || lpad(n::text, 16, '0'), 'noop', 'COMPLETED', '{"sent_at": 0, "seconds": 0}',
       '{"waited": 0.004}', 'agency-' || n % 300, 'bench', 3, 300, 1, at, at, at, at, at, at + interval '1 second'
FROM moment
"""
_ATTEMPTS = """
INSERT INTO jobs.attempts (run_id, number, status, started_at, finished_at)
SELECT id, 1, 'COMPLETED', started_at, finished_at FROM jobs.runs
"""


async def _fill(url: str, size: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("TRUNCATE jobs.runs, jobs.attempts")
    await connection.execute("SELECT jobs.ensure_partitions(now() - interval '31 days', 2)")
    await connection.execute(_RUNS, size, timeout=900)
    await connection.execute(_ATTEMPTS, timeout=900)
    await connection.execute("VACUUM ANALYZE jobs.runs, jobs.attempts", timeout=900)
    await connection.close()
