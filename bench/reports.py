"""``python -m bench.reports``: the month of 100,000 agencies over 2.4 million records, beside the bare SQL aggregate.

The aggregate sums both tables by agency and month. The job runs in a real worker: first for a month without reports,
then again without a change, then after one entry in a thousand agencies was added.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import asyncpg
import psutil

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from bench import workers
from bench.__main__ import prepare, redis_on_tcp

_SQL = Path(__file__).with_suffix(".sql")
_LATE = """INSERT INTO revenues (id, "agencyId", description, amount, category, date, "updatedAt")
SELECT 'late-' || n, 'bench-' || n * 100, '', 10, 'Atrasada', '2026-10-20', now() FROM generate_series(1, 1000) AS n"""


async def measure(agencies: int, environment: dict[str, str], worker: psutil.Process) -> None:
    connection = await asyncpg.connect(environment["DATABASE_URL"])
    filling, bare = _SQL.read_text().split("-- bare\n")
    await connection.execute(filling.replace("$1", str(agencies)))
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")  # or the first measurement pays for the filling
    print(f"the idle worker has {_mb(worker)} MB")
    before = await _time(connection, bare)
    settings = Settings.model_validate(environment)
    async with open_runtime(settings, kind="bench") as runtime:
        for name in ("all new", "unchanged", "a thousand changed"):
            if name == "a thousand changed":
                await connection.execute(_LATE)
            job = JOBS["generate-monthly-reports"]
            began = time.perf_counter()
            run = await runtime.intake.trigger(new_run(job, {"month": "2026-10"}, source="bench"))
            peak = await _watch(connection, run.run_id, worker)
            took = time.perf_counter() - began
            after = await _time(connection, bare)
            ratio = f"{took / (before + after) * 2:.1f} × the aggregate ({before:.2f} s before, {after:.2f} s after)"
            print(f"{name}: {took:.2f} s, {ratio}; worker at most {peak} MB", flush=True)
            before = after
    await connection.close()


async def _time(connection: asyncpg.Connection, sql: str) -> float:
    """The better of two."""
    times = []
    for _ in range(2):
        began = time.perf_counter()
        await connection.fetchval(sql)
        times.append(time.perf_counter() - began)
    return min(times)


async def _watch(connection: asyncpg.Connection, run_id: str, worker: psutil.Process) -> int:
    peak = 0
    while True:
        row = await connection.fetchrow("SELECT status, output, error FROM jobs.runs WHERE id = $1", run_id)
        peak = max(peak, _mb(worker))
        if row["status"] == "COMPLETED":
            return peak
        if row["status"] == "FAILED":
            raise SystemExit(row["error"])
        await asyncio.sleep(0.05)


def _mb(process: psutil.Process) -> int:
    return process.memory_info().rss // 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agencies", type=int, default=100_000)
    agencies = parser.parse_args().agencies
    logs.configure("json", "error", Redactor())
    with tempfile.TemporaryDirectory(prefix="agenciaos-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        with embedded.postgres(directory / "postgres") as database, redis_on_tcp() as redis:
            asyncio.run(prepare(database))
            environment = {"DATABASE_URL": database, "REDIS_URL": redis}
            log = directory / "worker.log"
            with workers.process(
                ["agenciaos-jobs", "worker"], environment | {"LOG_FORMAT": "json"}, "worker_started", log
            ) as worker:
                asyncio.run(measure(agencies, environment, worker))


if __name__ == "__main__":
    main()
