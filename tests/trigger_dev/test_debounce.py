"""``debounce``: triggers of one key make one run, with the first or the last one's data, within the longest delay."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from support.node import needs_node, run_node
from support.sdk import running_with_test_jobs
from support.service import Service

from agenciaos_jobs.settings import Settings


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running_with_test_jobs(settings) as service:
        yield service


async def trigger(service: Service, n: int, task: str = "echo", **options: Any) -> dict[str, Any]:
    debounce = {"key": "k", "delay": "1h"} | options.pop("debounce", {})
    body = {"payload": {"n": n}, "options": {"debounce": debounce, **options}}
    status, handle = await service.post(f"/api/v1/tasks/{task}/trigger", body)
    assert status == 200, handle
    return handle


@pytest.mark.parametrize(("mode", "expected"), [("leading", 0), ("trailing", 2)])
async def test_one_run_is_made_with_the_data_of_the_first_or_the_last(service: Service, mode: str, expected: int):
    how = {"mode": mode, "delay": "1s"}
    handles = [
        await trigger(service, n, debounce=how, tags=[f"t{n}"], metadata={"n": n}, maxAttempts=n + 1) for n in range(3)
    ]
    assert len({handle["id"] for handle in handles}) == 1
    assert [handle.get("isCached", False) for handle in handles] == [False, True, True]
    run = await service.finished(handles[0]["id"])
    assert (run["output"], run["tags"], run["metadata"]) == ({"n": expected}, [f"t{expected}"], {"n": expected})
    _, listed = await service.get(f"/api/v1/runs?filter[tag]=t{expected}")
    assert len(listed["data"]) == 1
    assert (await trigger(service, 9, debounce=how))["id"] != run["id"]


async def test_each_trigger_pushes_the_run_back(service: Service):
    first = await trigger(service, 0, debounce={"delay": "1h"})
    before = (await service.run(first["id"]))["delayedUntil"]
    await trigger(service, 0, debounce={"delay": "2h"})
    after = (await service.run(first["id"]))["delayedUntil"]
    assert (before[11:13], before < after) == (before[11:13], True)


async def test_keys_are_those_of_a_task(service: Service):
    ids = {(await trigger(service, 0, task))["id"] for task in ("echo", "slow")}
    ids.add((await trigger(service, 0, debounce={"key": "other"}))["id"])
    assert len(ids) == 3


async def test_a_run_is_not_pushed_beyond_the_longest_delay(service: Service, db: asyncpg.Connection):
    how = {"delay": "10m", "maxDelay": "15m"}
    first = await trigger(service, 0, debounce=how)
    assert (await trigger(service, 1, debounce=how))["id"] == first["id"]
    await db.execute("UPDATE jobs.debounced SET first_at = first_at - interval '6 minutes'")
    second = await trigger(service, 2, debounce=how)
    assert second["id"] != first["id"]
    assert (await trigger(service, 3, debounce=how))["id"] == second["id"]


async def test_a_thousand_at_once_make_one_run(service: Service, db: asyncpg.Connection):
    handles = await asyncio.gather(*(trigger(service, n, debounce={"mode": "trailing"}) for n in range(200)))
    assert len({handle["id"] for handle in handles}) == 1
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 1


async def test_an_idempotency_key_in_use_comes_first(service: Service):
    first = await trigger(service, 0, idempotencyKey="order-1")
    again = await trigger(service, 0, idempotencyKey="order-1", debounce={"key": "other"})
    assert again == {"id": first["id"], "isCached": True}


@pytest.mark.parametrize(
    ("debounce", "named"),
    [
        ({"delay": "1s"}, "options.debounce.key"),
        ({"key": "k", "delay": "soon"}, "options.debounce.delay"),
        ({"key": "k", "delay": "0s"}, "options.debounce.delay"),
        ({"key": "k", "delay": "1s", "maxDelay": "x"}, "options.debounce.maxDelay"),
        ({"key": "k" * 513, "delay": "1s"}, "options.debounce.key"),
        ({"key": "k", "delay": "1s", "mode": "both"}, "options.debounce.mode"),
    ],
)
async def test_what_cannot_be_debounced_is_refused_by_name(service: Service, debounce: dict[str, Any], named: str):
    status, problem = await service.post(
        "/api/v1/tasks/echo/trigger", {"payload": {}, "options": {"debounce": debounce}}
    )
    assert (status, named in problem["error"]) == (422, True), problem


async def test_a_batch_does_not_debounce_and_says_so(service: Service):
    item = {"task": "echo", "payload": {}, "options": {"debounce": {"key": "k", "delay": "1s"}}}
    status, problem = await service.post("/api/v1/tasks/batch", {"items": [item]})
    assert (status, "items.0.options" in problem["error"]) == (422, True)


@needs_node
async def test_the_sdk_debounces(service: Service):
    seen = await run_node(service, "debounce.mjs", "sdk4")
    assert (seen["ids"], seen["outputs"]) == (2, [{"n": 1}, {"n": 2}])
