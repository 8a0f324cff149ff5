"""``runs.bulk``: many runs are canceled or replayed, by their ids or by a filter, to the end or until aborted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.node import needs_node, run_node
from support.sdk import running_with_test_jobs
from support.service import Service, running_server

from agenciaos_jobs.engine import bulk
from agenciaos_jobs.settings import Settings

PATH = "/api/v1/bulk-actions"


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running_with_test_jobs(settings) as service:
        yield service


async def delayed(service: Service, count: int, **options: Any) -> list[str]:
    items = [{"task": "echo", "payload": {"n": n}, "options": {"delay": "1h", **options}} for n in range(count)]
    _, batch = await service.post("/api/v1/tasks/batch", {"items": items})
    return [run["id"] for run in batch["runs"]]


async def completed(service: Service, **body: Any) -> dict[str, Any]:
    status, handle = await service.post(PATH, body)
    assert status == 200, handle
    async with asyncio.timeout(20):
        while (seen := (await service.get(f"{PATH}/{handle['id']}"))[1])["status"] == "PENDING":
            await asyncio.sleep(0.02)
    return seen


async def test_a_filter_chooses_and_its_runs_alone_are_canceled(service: Service):
    chosen, others = await delayed(service, 30, tags=["old"]), await delayed(service, 3)
    seen = await completed(service, action="cancel", filter={"tag": "old", "status": ["DELAYED"]}, name="tidy up")
    assert (seen["status"], seen["counts"], seen["type"], seen["name"]) == (
        "COMPLETED",
        {"total": 30, "success": 30, "failure": 0},
        "CANCEL",
        "tidy up",
    )
    assert {(await service.run(run_id))["status"] for run_id in chosen} == {"CANCELED"}
    assert {(await service.run(run_id))["status"] for run_id in others} == {"DELAYED"}


async def test_ids_choose_and_what_cannot_be_replayed_counts_as_a_failure(service: Service):
    runs = [await service.outcome("monthly-report") for _ in range(2)]
    seen = await completed(service, action="replay", runIds=[run["id"] for run in runs] + ["run_unknown"])
    assert seen["counts"] == {"total": 3, "success": 2, "failure": 1}
    _, listed = await service.get("/api/v1/runs")
    assert len(listed["data"]) == 4


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"action": "cancel"}, "filter"),
        ({"action": "cancel", "filter": {}}, "filter"),
        ({"action": "cancel", "filter": {"tag": ""}, "runIds": ["run_1"]}, "filter"),
        ({"action": "cancel", "filter": {"status": "BROKEN"}}, "filter.status"),
        ({"action": "cancel", "filter": {"period": "soon"}}, "filter.period"),
        ({"action": "delete", "runIds": ["run_1"]}, "action"),
    ],
)
async def test_what_chooses_nothing_certain_is_refused_by_name(service: Service, body: dict[str, Any], named: str):
    status, problem = await service.post(PATH, body)
    assert (status, named in problem["error"]) == (422, True), problem
    assert (await service.get(f"{PATH}/bulk_unknown"))[0] == 404


@pytest.mark.parametrize(
    "narrowed",
    [{"machine": "micro"}, {"status": ["FROZEN"]}, {"queue": {"type": "task", "name": "slow"}}, {"to": 0}],
)
async def test_a_filter_that_no_run_matches_acts_on_none(service: Service, narrowed: dict[str, Any]):
    await delayed(service, 2)
    assert (await completed(service, action="cancel", filter=narrowed))["counts"]["total"] == 0


async def test_an_aborted_action_goes_no_further(settings: Settings, service: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "BATCH_SIZE", 1)
    run_ids = await delayed(service, 300)
    _, handle = await service.post(PATH, {"action": "cancel", "runIds": run_ids})
    assert (await service.post(f"{PATH}/{handle['id']}/abort", {}))[0] == 200
    _, seen = await service.get(f"{PATH}/{handle['id']}")
    async with running_server(settings):  # which continues what is unfinished
        assert seen["status"] == "ABORTED"
    assert seen["counts"]["success"] < 300
    statuses = [(await service.run(run_id))["status"] for run_id in run_ids[-3:]]
    assert statuses == ["DELAYED"] * 3


@needs_node
async def test_the_sdks_bulk_calls(service: Service):
    await delayed(service, 5, tags=["mine"])
    seen = await run_node(service, "bulk.mjs", "sdk4")
    assert seen["done"]["counts"] == {"total": 5, "success": 5, "failure": 0}
    assert seen["retrieved"] == seen["done"]
    assert seen["listed"] == [seen["replay"]["id"], seen["done"]["id"]]
    assert seen["replay"]["type"] == "REPLAY"
