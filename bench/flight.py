"""AI runs in flight: one worker, a model that takes two seconds, 500 slots; the rate and the worker's memory."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime
from bench import workers
from bench.slow_model import SECONDS
from bench.table import Row

_SLOTS = 500
_PAYLOAD = {"agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
_AGENCIES = """
WITH owners AS (
  INSERT INTO public.users (id, email, "updatedAt")
  SELECT 'owner-' || n, 'owner-' || n || '@example.com', now() FROM generate_series(0, $1 - 1) AS n
  ON CONFLICT DO NOTHING RETURNING id, substr(id, 7) AS n)
INSERT INTO public.agencies (id, name, slug, "ownerId", plan, "updatedAt")
SELECT 'bench-' || n, 'Agência ' || n, 'bench-' || n, id, 'PRO', now() FROM owners
"""


def measure(environment: Mapping[str, str], runs: int) -> list[Row]:
    port = embedded.free_port()
    model = subprocess.Popen([sys.executable, "-m", "bench.slow_model", str(port)], cwd=workers.HERE.parent)
    try:
        embedded.wait_for_port(model, port, "model")
        rate, memory, own = asyncio.run(_measure(environment, f"http://127.0.0.1:{port}/v1", max(runs, 20 * _SLOTS)))
    finally:
        embedded.stop(model)
    ideal = _SLOTS / SECONDS
    return [
        Row(
            f"AI runs, {_SLOTS} slots, {SECONDS} s each (ideal {ideal:.0f})", "agenciaos-jobs worker", rate, "/s", ideal
        ),
        Row("", "its memory, at most (RSS)", memory, "MB"),
        Row("", "of which no other process has a part (USS)", own, "MB"),
    ]


async def _measure(environment: Mapping[str, str], model_url: str, runs: int) -> tuple[float, float, float]:
    settings = Settings(database_url=environment["DATABASE_URL"], redis_url=environment["REDIS_URL"])
    given = {
        **environment,
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": model_url,
        "WORKER_MAX_JOBS": str(_SLOTS),
        "PLANS": "FREE:10000000,PRO:10000000",
    }
    command = [sys.executable, "-m", "agenciaos_jobs", "worker"]
    async with open_runtime(settings) as runtime:
        await runtime.database.execute("TRUNCATE jobs.runs, jobs.attempts, jobs.ai_generations, jobs.ai_reservations")
        await runtime.database.execute(_AGENCIES, _SLOTS)
        job = JOBS["generate-ai-content"]
        new = [new_run(job, {**_PAYLOAD, "agencyId": f"bench-{n % _SLOTS}"}, source="bench") for n in range(runs)]
        await asyncio.gather(*map(runtime.intake.trigger, new))
        await runtime.outbox.flush()
        with (
            tempfile.TemporaryDirectory() as name,
            workers.process(command, given, "worker_started", Path(name) / "log") as process,
        ):
            memory = own = 0
            while await runtime.database.fetchval("SELECT count(*) FROM jobs.runs WHERE finished_at IS NULL"):
                held = process.memory_full_info()
                memory, own = max(memory, held.rss), max(own, held.uss)
                await asyncio.sleep(0.5)
        took = await runtime.database.fetchval("SELECT max(finished_at) - min(started_at) FROM jobs.runs")
        statuses = await runtime.database.fetchval("SELECT array_agg(DISTINCT status) FROM jobs.runs")
    if statuses != ["COMPLETED"]:
        raise SystemExit(f"AI runs ended as {statuses}")
    return runs / float(took.total_seconds()), memory / 1_000_000, own / 1_000_000
