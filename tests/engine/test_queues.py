"""Queues: a pause lets nothing start and loses nothing, and an override counts instead of the runs' own limits."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from support.node import needs_node, run_node
from support.sdk import most_at_once, released, running_with_test_jobs
from support.service import Service, running_server, running_worker

from agenciaos_jobs.settings import Settings


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    released.clear()
    most_at_once.clear()
    async with running_with_test_jobs(settings) as service:
        yield service


async def trigger(service: Service, payload: dict[str, Any], task: str = "slow", **options: Any) -> str:
    status, handle = await service.post(f"/api/v1/tasks/{task}/trigger", {"payload": payload, "options": options})
    assert status == 200, handle
    return str(handle["id"])


async def change(service: Service, queue: str, path: str = "pause", kind: str = "task", **body: Any) -> dict[str, Any]:
    status, state = await service.post(f"/api/v1/queues/{queue}/{path}", {"type": kind, **body})
    assert status == 200, state
    return state


async def statuses(service: Service, run_ids: list[str]) -> Counter[str]:
    return Counter([(await service.run(run_id))["status"] for run_id in run_ids])


async def parked(db: asyncpg.Connection, count: int) -> None:
    """Waits until that many runs are parked."""
    async with asyncio.timeout(20):
        while await db.fetchval("SELECT count(*) FROM jobs.runs WHERE parked") != count:
            await asyncio.sleep(0.02)


async def test_nothing_of_a_paused_queue_starts_until_it_is_resumed(service: Service, db: asyncpg.Connection):
    under_way = await trigger(service, {"until": "end"})
    await service.reaches(under_way, lambda run: run["isExecuting"])
    assert (await change(service, "slow", action="pause"))["paused"] is True
    waiting = [await trigger(service, {"seconds": 0}) for _ in range(5)]
    echo = await trigger(service, {"n": 1}, "echo")
    assert (await service.finished(echo))["status"] == "COMPLETED"
    await parked(db, 5)
    _, state = await service.get("/api/v1/queues/slow?type=task")
    assert (state["running"], state["queued"], state["paused"]) == (1, 5, True)
    released.add("end")
    assert (await service.finished(under_way))["status"] == "COMPLETED"
    assert await statuses(service, waiting) == {"QUEUED": 5}
    assert (await change(service, "slow", action="resume"))["paused"] is False
    for run_id in waiting:
        assert (await service.finished(run_id))["status"] == "COMPLETED"
    assert await db.fetchval("SELECT count(*) FROM jobs.queues") == 0


async def test_a_pause_outlives_workers_and_servers(settings: Settings, db: asyncpg.Connection):
    async with running_with_test_jobs(settings) as service:
        await change(service, "slow", action="pause")
        waiting = await trigger(service, {"seconds": 0})
    async with running_with_test_jobs(settings) as service:
        await parked(db, 1)
        assert (await service.run(waiting))["status"] == "QUEUED"
        await change(service, "slow", action="resume")
        assert (await service.finished(waiting))["status"] == "COMPLETED"


async def test_a_resume_that_was_cut_short_is_carried_through_by_the_rescuer(service: Service, db: asyncpg.Connection):
    await change(service, "slow", action="pause")
    waiting = await trigger(service, {"seconds": 0})
    await parked(db, 1)
    await db.execute("DELETE FROM jobs.queues")
    assert (await service.finished(waiting))["status"] == "COMPLETED"


async def test_paused_runs_of_a_key_hold_up_no_others_and_keep_their_limit(service: Service, db: asyncpg.Connection):
    queue = {"name": "posts", "concurrencyLimit": 1}
    held = await trigger(service, {"until": "go"}, queue=queue)
    await service.reaches(held, lambda run: run["isExecuting"])
    await change(service, "posts", kind="custom", action="pause")
    waiting = [await trigger(service, {"seconds": 0.05}, queue=queue) for _ in range(4)]
    await parked(db, 4)
    released.add("go")
    await service.finished(held)
    assert await statuses(service, waiting) == {"QUEUED": 4}
    await change(service, "posts", kind="custom", action="resume")
    for run_id in waiting:
        assert (await service.finished(run_id))["status"] == "COMPLETED"
    assert most_at_once["posts"] == 1


async def test_a_canceled_run_of_a_paused_queue_ends_and_an_expired_one_too(service: Service, db: asyncpg.Connection):
    await change(service, "slow", action="pause")
    canceled, expired = await trigger(service, {}), await trigger(service, {}, ttl=1)
    await parked(db, 2)
    await service.post(f"/api/v2/runs/{canceled}/cancel", {})
    assert (await service.finished(canceled))["status"] == "CANCELED"
    assert (await service.finished(expired))["status"] == "EXPIRED"
    await change(service, "slow", action="resume")


async def test_an_override_limits_a_queue_that_has_no_limit_until_it_is_reset(service: Service):
    state = await change(service, "slow", "concurrency/override", concurrencyLimit=2)
    assert (state["concurrencyLimit"], state["concurrency"]["override"]) == (2, 2)
    limited = [await trigger(service, {"seconds": 0.1}) for _ in range(6)]
    for run_id in limited:
        assert (await service.finished(run_id))["status"] == "COMPLETED"
    assert most_at_once["task/slow"] == 2
    state = await change(service, "slow", "concurrency/reset")
    assert (state["concurrencyLimit"], state["concurrency"]["override"]) == (None, None)
    free = [await trigger(service, {"until": "go"}) for _ in range(4)]
    for run_id in free:
        await service.reaches(run_id, lambda run: run["isExecuting"])
    released.add("go")
    for run_id in free:
        await service.finished(run_id)


async def test_an_override_counts_for_each_key_instead_of_the_runs_own_limit(service: Service):
    queue = {"name": "posts", "concurrencyLimit": 1}
    await trigger(service, {"seconds": 0}, queue=queue)
    await change(service, "posts", "concurrency/override", "custom", concurrencyLimit=2)
    ids = [await trigger(service, {"seconds": 0.2}, queue=queue, concurrencyKey=key) for key in "aabbab" for _ in "12"]
    for run_id in ids:
        assert (await service.finished(run_id))["status"] == "COMPLETED"
    assert (most_at_once["posts:a"], most_at_once["posts:b"]) == (2, 2)


async def test_what_names_no_queue_is_404_and_what_is_no_limit_422(service: Service):
    assert (await service.get("/api/v1/queues/unknown?type=custom"))[0] == 404
    assert (await service.get("/api/v1/queues/queue_unknown"))[0] == 404
    status, _ = await service.post("/api/v1/queues/unknown/pause", {"type": "task", "action": "pause"})
    assert status == 404
    for body in ({"type": "task"}, {"type": "task", "concurrencyLimit": -1}, {"type": "x", "concurrencyLimit": 1}):
        assert (await service.post("/api/v1/queues/slow/concurrency/override", body))[0] == 422
    assert (await service.get("/api/v1/queues?perPage=0"))[0] == 422


@needs_node
async def test_the_sdks_queue_calls(service: Service):
    await trigger(service, {"seconds": 0}, queue={"name": "posts", "concurrencyLimit": 3}, delay="1h")
    seen = await run_node(service, "queues.mjs", "sdk4")
    assert {queue["name"]: queue["type"] for queue in seen["list"]}.items() >= {
        "slow": "task",
        "posts": "custom",
    }.items()
    assert seen["byId"] == seen["byName"]
    assert (seen["paused"]["paused"], seen["resumed"]["paused"]) == (True, False)
    assert (seen["overridden"]["concurrencyLimit"], seen["reset"]["concurrencyLimit"]) == (7, 3)
    assert seen["unknown"]["error"]["status"] == 404


async def test_a_worker_obeys_within_a_second_whoever_paused(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as other, running_server(settings) as service, running_worker(settings):
        await change(other, "generate-monthly-reports", action="pause")
        run_id = await service.trigger("monthly-report")
        await parked(db, 1)
        assert (await service.run(run_id))["status"] == "QUEUED"
        await change(other, "generate-monthly-reports", action="resume")
        assert (await service.finished(run_id))["status"] == "COMPLETED"
