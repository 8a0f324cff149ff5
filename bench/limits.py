"""OpenAI's limits: runs triggered at once against a model that refuses most of them, and against an outage.

None may fail. What counts is how long all take beside what the limit allows, and how many calls they make. Payments are
triggered in the middle, and have to feel nothing of it.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import Runtime, open_runtime
from bench import workers
from bench.table import Row

_PAYLOAD = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
_PAYMENTS = 5
_TOOK = "SELECT max(finished_at) - min(created_at) FROM jobs.runs WHERE task = $1"


@dataclass(frozen=True)
class Case:
    """A limit, the runs against it, and the seconds that it allows them to take at best."""

    kind: str
    words: str
    runs: int
    ideal: float


CASES = (
    Case("rate", "120 runs, 2 requests/s, Retry-After", 120, (120 - 2) / 2),
    Case("window", "90 runs, 42 requests a minute", 90, 120),
    Case("tokens", "60 runs, 60 a minute by tokens, no Retry-After", 60, 60 - 10),
    Case("outage", "40 runs, 503 for 30 s", 40, 30),
)


def measure(environment: Mapping[str, str], _: int) -> list[Row]:
    return [row for case in CASES for row in _case(environment, case)]


def _case(environment: Mapping[str, str], case: Case) -> list[Row]:
    port = embedded.free_port()
    command = [sys.executable, "-m", "bench.limited_model", str(port), case.kind]
    model = subprocess.Popen(command, cwd=workers.HERE.parent)
    try:
        embedded.wait_for_port(model, port, "model")
        failed, took, calls, payment = asyncio.run(_measure(environment, f"http://127.0.0.1:{port}", case))
    finally:
        embedded.stop(model)
    return [
        Row(case.words, "failed runs", failed, "runs"),
        Row("", f"time for all (the limit allows {case.ideal:.0f})", took, "s", case.ideal, less=True),
        Row("", "calls for each run", calls / case.runs, "calls"),
        Row("", "payments meanwhile, from trigger to end", payment, "ms"),
    ]


async def _measure(environment: Mapping[str, str], url: str, case: Case) -> tuple[int, float, int, float]:
    settings = Settings(database_url=environment["DATABASE_URL"], redis_url=environment["REDIS_URL"])
    given = {
        **environment,
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": f"{url}/v1",
        "PLANS": "FREE:10000,PRO:10000",
        "AGENCY_CONCURRENCY": "1000",
    }
    async with open_runtime(settings) as runtime:
        await runtime.database.execute("TRUNCATE jobs.runs, jobs.attempts")
        if await runtime.database.fetchval("SELECT to_regclass('jobs.ai_brakes')"):
            await runtime.database.execute("TRUNCATE jobs.ai_brakes")
        with tempfile.TemporaryDirectory() as name:
            command = [sys.executable, "-m", "agenciaos_jobs", "worker"]
            with workers.process(command, given, "worker_started", Path(name) / "log"):
                payment = await _run_all(runtime, case)
        took = await runtime.database.fetchval(_TOOK, "generate-ai-content")
        failed = await runtime.database.fetchval("SELECT count(*) FROM jobs.runs WHERE status <> 'COMPLETED'")
    async with aiohttp.ClientSession() as http, http.get(f"{url}/calls") as response:
        return failed, took.total_seconds(), await response.json(), payment


async def _run_all(runtime: Runtime, case: Case) -> float:
    """Triggers all runs, and payments meanwhile; returns the payments' median milliseconds from trigger to end."""
    job = JOBS["generate-ai-content"]
    new = [new_run(job, _PAYLOAD, source="bench", concurrency_limit=1_000) for _ in range(case.runs)]
    await asyncio.gather(*map(runtime.intake.trigger, new))
    await runtime.outbox.flush()
    event = {"event": "payment.approved", "customerId": "agency-123", "productId": "pro-monthly", "amount": 97.0}
    event["status"] = "paid"
    payments = JOBS["process-payment-webhook"]
    for _ in range(_PAYMENTS):
        await asyncio.sleep(2)
        await runtime.intake.trigger(new_run(payments, event, source="bench"))
    while await runtime.database.fetchval("SELECT count(*) FROM jobs.runs WHERE finished_at IS NULL"):
        await asyncio.sleep(0.2)
    rows = await runtime.database.fetch(
        "SELECT finished_at - created_at AS took FROM jobs.runs WHERE task = $1", payments.task
    )
    return median(row["took"].total_seconds() * 1000 for row in rows)
