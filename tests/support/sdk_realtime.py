"""What must hold of subscriptions and public tokens by Trigger.dev's SDK, whichever its line."""

import asyncio

import asyncpg

from agenciaos_jobs.http import keys
from support.node import run_node
from support.service import Service


async def followed(service: Service, *names: str) -> None:
    async with asyncio.timeout(30):
        while not service.app[keys.LIVE]._followers.keys() >= set(names):
            await asyncio.sleep(0.01)


async def follow_a_run(line: str, service: Service) -> None:
    run_id = await service.trigger("monthly-report", delay="1h", tags=['a "quoted\\" tag', "plain"])
    following = asyncio.create_task(run_node(service, "subscribe.mjs", line, "run", run_id))
    await followed(service, f"run:{run_id}")
    await service.post(f"/api/v1/runs/{run_id}/reschedule", {"delay": "2020-01-01"})
    seen = await following
    assert {run["id"] for run in seen} == {run_id}
    assert [seen[0]["status"], seen[-1]["status"]] == ["DELAYED", "COMPLETED"]
    assert seen[-1]["output"]["agencies"] >= 1
    assert seen[-1]["tags"] == ['a "quoted\\" tag', "plain"]


async def follow_a_tag(line: str, service: Service) -> None:
    first = await service.trigger("monthly-report", tags=["vip"])
    following = asyncio.create_task(run_node(service, "subscribe.mjs", line, "tag", "vip", "2"))
    await service.finished(first)
    await followed(service, "tag:vip")
    await service.trigger("monthly-report", tags=["other"])
    second = await service.trigger("monthly-report", tags=["vip", "more"])
    seen = await following
    assert {run["id"] for run in seen if run["status"] == "COMPLETED"} == {first, second}
    assert {run["id"] for run in seen} == {first, second}


async def follow_a_batch(line: str, service: Service) -> None:
    item = {"task": "generate-monthly-reports", "payload": {}, "options": {"delay": "1h"}}
    _, batch = await service.post("/api/v1/tasks/batch", {"items": [item, item]})
    following = asyncio.create_task(run_node(service, "subscribe.mjs", line, "batch", batch["id"], "2"))
    await followed(service, f"batch:{batch['id']}")
    for run in batch["runs"]:
        await service.post(f"/api/v1/runs/{run['id']}/reschedule", {"delay": "2020-01-01"})
    seen = await following
    assert {run["id"] for run in seen if run["status"] == "COMPLETED"} == {run["id"] for run in batch["runs"]}


async def check_public_tokens(line: str, service: Service) -> None:
    mine, other = [await service.trigger("monthly-report", tags=[tag]) for tag in ("mine", "other")]
    for run_id in (mine, other):
        await service.finished(run_id)
    seen = await run_node(service, "public_token.mjs", line, mine, other)
    assert seen["byRun"]["answer"]["id"] == mine
    assert seen["byTag"]["answer"]["id"] == mine
    assert seen["ofHandle"]["answer"]["status"]
    assert [run["id"] for run in seen["listByTag"]["answer"]] == [mine]
    assert [run["id"] for run in seen["followed"]] == [mine]
    assert [seen[name]["error"]["status"] for name in ("other", "cancel", "replay", "list", "trigger")] == [403] * 5
    assert [seen[name]["error"]["status"] for name in ("expired", "tampered")] == [401] * 2


async def follow_five_hundred(line: str, service: Service, db: asyncpg.Connection) -> None:
    delayed = {"task": "generate-monthly-reports", "payload": {}, "options": {"delay": "1h"}}
    _, batch = await service.post("/api/v1/tasks/batch", {"items": [delayed] * 500})
    ids = [run["id"] for run in batch["runs"]]
    following = asyncio.create_task(run_node(service, "subscribe_many.mjs", line, ",".join(ids)))
    await followed(service, *(f"run:{run_id}" for run_id in ids))
    await db.execute("UPDATE jobs.runs SET status = 'CANCELED', finished_at = now()")
    assert await following == ["CANCELED"] * 500
