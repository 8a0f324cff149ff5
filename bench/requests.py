"""200 requests a second with 100,000 runs stored: how long triggers, batches, lists and single runs take."""

import asyncio
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from bench.table import Row
from bench.triggers import KEY, serving

_STORED = 100_000
_RATE = 200
_SECONDS = 60

_TASK = "generate-monthly-reports"
_FILTERS = (
    {},
    {"filter[taskIdentifier]": "generate-ai-content"},
    {"filter[status]": "FAILED"},
    {"filter[status]": "COMPLETED,FAILED,QUEUED"},
    {"filter[tag]": "campanha-10"},
    {"filter[isTest]": "true"},
    {"filter[createdAt][period]": "1d"},
    {"filter[taskIdentifier]": _TASK, "filter[status]": "FAILED", "filter[createdAt][period]": "7d"},
)


def measure(environment: Mapping[str, str], _: int) -> list[Row]:
    run_ids = asyncio.run(_stored(environment["DATABASE_URL"]))
    with serving(environment) as port:
        took = asyncio.run(_load(f"http://127.0.0.1:{port}", run_ids))
    rows = []
    for kind, seconds in [*took.items(), ("all of them", list(chain(*took.values())))]:
        what, cuts = f"{_RATE} requests/s: {kind} ({len(seconds):,})", statistics.quantiles(seconds, n=100)
        rows += [Row(what, "p50", cuts[49] * 1000, "ms"), Row("", "p99", cuts[98] * 1000, "ms")]
        rows.append(Row("", "the slowest", max(seconds) * 1000, "ms"))
    return rows


async def _stored(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    await connection.execute("TRUNCATE jobs.runs, jobs.run_tags, jobs.attempts")
    text = Path(__file__).with_name("dashboard.sql").read_text()
    await connection.execute(text.replace("$RUNS", str(_STORED)), timeout=900)
    await connection.execute("VACUUM ANALYZE", timeout=900)
    found = await connection.fetch("SELECT id FROM jobs.runs ORDER BY random() LIMIT 5000")
    await connection.close()
    return [record["id"] for record in found]


async def _load(url: str, run_ids: list[str]) -> dict[str, list[float]]:
    """Each request goes out at its time, however long the others take, and its wait counts from that time."""
    took: dict[str, list[float]] = defaultdict(list)
    chance = random.Random(1)

    async def send(http: aiohttp.ClientSession, at: float, kind: str, method: str, path: str, options: Any) -> None:
        await asyncio.sleep(at - time.perf_counter())
        async with http.request(method, path, **options) as response:
            await response.read()
            assert response.status == 200, (path, response.status)
        if at > began + 2:  # the first connections and plans do not count
            took[kind].append(time.perf_counter() - at)

    connector, headers = aiohttp.TCPConnector(limit=0), {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(url, connector=connector, headers=headers) as http:
        began = time.perf_counter() + 1
        calls = [_call(chance, run_ids) for _ in range(_RATE * _SECONDS)]
        await asyncio.gather(*[send(http, began + number / _RATE, *call) for number, call in enumerate(calls)])
    return took


def _call(chance: random.Random, run_ids: list[str]) -> tuple[str, str, str, Any]:
    item = {"task": _TASK, "payload": {}, "options": {"delay": "1d", "tags": [f"agency-{chance.randrange(300)}"]}}
    kind = chance.choices(["triggers", "batches of 20", "lists", "single runs"], [40, 5, 25, 30])[0]
    if kind == "triggers":
        return kind, "POST", f"/api/v1/tasks/{_TASK}/trigger", {"json": item}
    if kind == "batches of 20":
        return kind, "POST", "/api/v1/tasks/batch", {"json": {"items": [item] * 20}}
    if kind == "lists":
        return kind, "GET", "/api/v1/runs", {"params": chance.choice(_FILTERS)}
    return kind, "GET", f"/api/v3/runs/{chance.choice(run_ids)}", {}
