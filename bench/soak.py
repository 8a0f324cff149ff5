"""``python -m bench.soak --minutes 30``: mixed load, things that break at random, and an audit of what became of it.

Ends with code 1 where anything was lost, was done twice, or was left behind.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from agenciaos_jobs.dev import embedded
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.redact import Redactor
from bench import workers
from bench.__main__ import prepare
from bench.audit import Audit, TriggerResult
from bench.fleet import Fleet, RedisServer

_KEY = "tr_soak_0123456789"
_AGENCIES = ("agency-123", "agency-124", "agency-125")
_KINDS = {"ai-content": 5, "payment-webhook": 3, "monthly-report": 2, "block-event-loop": 0.005}
"""Each with its share. At 20 triggers a second an event loop is blocked every hundred seconds."""


def body(kind: str, key: str) -> dict[str, Any]:
    """A request for one run; some are delayed, some have priority."""
    agency = random.choice(_AGENCIES)
    payload: dict[str, Any] = {"month": "2026-10", "agencyId": agency}
    if kind == "ai-content":
        payload = {"agencyId": agency, "agentType": "META_ADS_COPY", "input": {"produto": key}}
    elif kind == "payment-webhook":
        payload = {"event": "payment.approved", "customerId": agency, "productId": "pro-monthly"}
        payload |= {"amount": 97, "status": "paid", "eventId": key}
    elif kind == "block-event-loop":
        payload = {}
    options = random.choices([{}, {"delay": "5s"}, {"priority": 60}], [8, 1, 1])[0]
    return {"type": kind, "payload": payload, "idempotencyKey": key, **options}


class Load:
    """Callers that, like any caller, ask again until they are told, with the same key that a run is taken."""

    def __init__(self, ports: list[int], rate: float) -> None:
        self._ports, self._rate = ports, rate
        self.accepted: list[TriggerResult] = []
        self.refusals: Counter[str] = Counter()
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self, seconds: float) -> None:
        ends_at, number = time.monotonic() + seconds, 0
        timeout = aiohttp.ClientTimeout(total=10)
        headers = {"Authorization": f"Bearer {_KEY}"}
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
            while time.monotonic() < ends_at:
                number += 1
                call = asyncio.create_task(self._call(http, f"soak-{number}"))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
                await asyncio.sleep(random.expovariate(self._rate))
            await asyncio.gather(*self._calls)

    async def _call(self, http: aiohttp.ClientSession, key: str) -> None:
        kind = random.choices(list(_KINDS), list(_KINDS.values()))[0]
        request = body(kind, key)
        accepted = TriggerResult((await self._told(http, "/api/trigger", request))["jobId"], kind, key)
        self.accepted.append(accepted)
        if random.random() < 0.03:
            await self._told(http, f"/api/v2/runs/{accepted.run_id}/cancel", {})
            accepted.is_canceled = True

    async def _told(self, http: aiohttp.ClientSession, path: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer, however often it must be asked for: what was done may be done though the answer got lost."""
        while True:
            if answer := await self._post(http, path, request):
                return answer
            await asyncio.sleep(0.5)

    async def _post(self, http: aiohttp.ClientSession, path: str, request: dict[str, Any]) -> dict[str, Any] | None:
        url = f"http://127.0.0.1:{random.choice(self._ports)}{path}"
        try:
            async with http.post(url, json=request) as response:
                if response.status == 200:
                    answer: dict[str, Any] = await response.json()
                    return answer
                self.refusals[str(response.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.refusals[type(error).__name__] += 1
        return None


async def soak(minutes: float, rate: float, database: str, redis: RedisServer, directory: Path) -> bool:
    model_port = embedded.free_port()
    model = subprocess.Popen([sys.executable, "-m", "bench.slow_model", str(model_port)], cwd=workers.HERE.parent)
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis.url,
        "TRIGGER_SECRET_KEY": _KEY,
        "OPENAI_API_KEY": "sk-soak",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
        "PLANS": "FREE:10000000,PRO:10000000",
        "RATE_LIMIT_KEY": "0",
        "RATE_LIMIT_ADDRESS": "0",
        "SHUTDOWN_GRACE": "5",
        "JOBS_MODULES": "bench.blocking_job",
    }
    fleet = Fleet(environment, redis, directory / "postgres", directory)
    fleet.start()
    audit = Audit(database, redis.url)
    await asyncio.to_thread(fleet.wait_for_servers)
    memory = [fleet.spared.memory_info().rss]
    load = Load(fleet.ports, rate)
    loading = asyncio.create_task(load.run(minutes * 60))
    while not loading.done():
        await asyncio.wait([loading], timeout=random.uniform(3, 9))
        if not loading.done():
            trouble = await fleet.make_trouble()
            memory.append(fleet.spared.memory_info().rss)
            print(f"{len(load.accepted):>7} taken, {memory[-1] / 1e6:.0f} MB · {trouble}", flush=True)
    await loading
    print("the load is over; waiting for what is under way", flush=True)
    unfinished = await audit.wait(60)
    fleet.stop()
    embedded.stop(model)
    print(f"troubles: {fleet.done}\nanswers that were no 200: {dict(load.refusals)}")
    quarter = max(1, len(memory) // 4)
    print(
        f"spared worker: {max(memory[:quarter]) / 1e6:.0f} MB in the first quarter, {max(memory) / 1e6:.0f} MB at most"
    )
    return await audit.report(load.accepted, unfinished)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--rate", type=float, default=20, help="triggers a second; three agencies' slots carry 25")
    parser.add_argument("--seed", type=int, default=None, help="repeats the choices of an earlier soak")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)
    random.seed(seed)
    print(f"soak of {options.minutes:g} minutes, seed {seed}", flush=True)
    logs.configure("json", "error", Redactor())
    redis = RedisServer()
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        with embedded.postgres(Path(name) / "postgres") as database:
            redis.start()
            try:
                asyncio.run(prepare(database))
                is_clean = asyncio.run(soak(options.minutes, options.rate, database, redis, Path(name)))
            finally:
                redis.kill()
        if not is_clean:
            kept = Path(tempfile.mkdtemp(prefix="soak-logs-"))
            for log in Path(name).glob("*.log"):
                log.rename(kept / log.name)
            print(f"logs: {kept}")
    sys.exit(0 if is_clean else 1)


if __name__ == "__main__":
    main()
