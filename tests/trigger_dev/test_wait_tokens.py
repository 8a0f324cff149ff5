"""Wait tokens: a run waits without a slot until its token is completed, by whatever door, or has timed out."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from support.node import needs_node, run_node
from support.public_tokens import token as public_token
from support.sdk import Anything
from support.service import Service, running_service

from agenciaos_jobs import Job, Limits, RunContext, TokenTimedOutError
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

PATH = "/api/v1/waitpoints/tokens"


async def _approve(context: RunContext, payload: Anything) -> dict[str, Any]:
    asked = payload.model_extra or {}
    seconds = asked.get("seconds")
    token_id = asked.get("token") or (await context.create_wait_token("approval")).id
    context.log.info("called", token_id=token_id)
    try:
        answer = await context.wait_for_token(token_id, timedelta(seconds=seconds) if seconds else None)
    except TokenTimedOutError:
        return {"timed_out": True}
    return {"answer": answer, "attempt": context.run.attempt}


APPROVE = Job(task="approve", payload=Anything, run=_approve, limits=Limits(max_duration=7 * 86_400))


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    one_slot = settings.model_copy(update={"worker_max_jobs": 1})
    async with running_service(one_slot, {**JOBS, "approve": APPROVE}) as service:
        yield service


async def create(service: Service, **body: Any) -> dict[str, Any]:
    status, created = await service.post(PATH, body)
    assert status == 200, created
    return created


async def waiting(service: Service, run_id: str) -> None:
    """Waits until the run waits for its token, outside the slots."""
    await service.reaches(run_id, lambda run: run["isWaiting"])


async def test_a_run_waits_without_a_slot_until_its_token_is_completed(service: Service):
    run_id = await service.start(APPROVE)
    await waiting(service, run_id)
    assert (await service.outcome("monthly-report"))["status"] == "COMPLETED"  # the only slot is free
    (token,) = (await service.get(f"{PATH}?filter[tags]={run_id}"))[1]["data"]
    assert token["status"] == "WAITING"
    assert (await service.post(f"{PATH}/{token['id']}/complete", {"data": {"ok": True}}))[0] == 200
    run = await service.finished(run_id)
    assert (run["status"], run["output"], run["attemptCount"]) == (
        "COMPLETED",
        {"answer": {"ok": True}, "attempt": 1},
        1,
    )


@pytest.mark.parametrize("data", [None, "sim", ["a", 1], 0, {"a": None}])
async def test_whatever_json_completes_it_is_what_the_job_gets(service: Service, data: Any):
    token = await create(service)
    await service.post(f"{PATH}/{token['id']}/complete", {"data": data})
    run = await service.finished(await service.start(APPROVE, {"token": token["id"]}))
    assert run["output"]["answer"] == data


async def test_the_first_completion_counts_and_a_repetition_is_no_error(service: Service):
    token = await create(service)
    answers = [await service.post(f"{PATH}/{token['id']}/complete", {"data": n}) for n in (1, 2)]
    assert answers == [(200, {"success": True})] * 2
    _, stored = await service.get(f"{PATH}/{token['id']}")
    assert (stored["status"], stored["output"], stored["outputType"]) == ("COMPLETED", "1", "application/json")


async def test_its_own_url_completes_it_without_a_key_and_another_s_does_not(service: Service):
    token, other = await create(service), await create(service)
    no_key = {"Authorization": ""}
    wrong = token["url"].replace(token["id"], other["id"])
    for url, body, expected in ((wrong, {}, 404), (token["url"], {"from": "webhook"}, 200)):
        async with service.http.post(url, json=body, headers=no_key) as response:
            assert response.status == expected
    async with service.http.post(other["url"], headers=no_key) as response:  # without a body
        assert response.status == 200
    outputs = [(await service.get(f"{PATH}/{found['id']}"))[1]["output"] for found in (token, other)]
    assert outputs == ['{"from":"webhook"}', "null"]


async def test_a_public_token_completes_the_one_that_it_names(service: Service):
    token, other = await create(service), await create(service)
    headers = {"Authorization": "Bearer " + public_token(f"write:waitpoints:{token['id']}")}
    assert (await service.post(f"{PATH}/{other['id']}/complete", {}, **headers))[0] == 403
    assert (await service.post(f"{PATH}/{token['id']}/complete", {}, **headers))[0] == 200
    assert (await service.get(f"{PATH}/{token['id']}", **headers))[0] == 403


async def test_a_token_that_times_out_ends_the_wait_and_takes_nothing_more(service: Service):
    token = await create(service, timeout="1s")
    run = await service.finished(await service.start(APPROVE, {"token": token["id"]}))
    assert run["output"] == {"timed_out": True}
    await service.post(f"{PATH}/{token['id']}/complete", {"data": 1})
    _, stored = await service.get(f"{PATH}/{token['id']}")
    assert (stored["status"], "output" in stored) == ("TIMED_OUT", False)


async def test_a_run_s_own_time_limit_for_a_wait_begins_with_its_first_call(service: Service):
    token = await create(service)
    run = await service.finished(await service.start(APPROVE, {"token": token["id"], "seconds": 0.5}))
    assert run["output"] == {"timed_out": True}
    assert (await service.get(f"{PATH}/{token['id']}"))[1]["status"] == "WAITING"


async def test_completions_while_runs_begin_to_wait_wake_every_one(service: Service):
    token = await create(service)
    runs = [await service.start(APPROVE, {"token": token["id"]}) for _ in range(5)]
    await service.post(f"{PATH}/{token['id']}/complete", {"data": "go"})
    runs += [await service.start(APPROVE, {"token": token["id"]}) for _ in range(5)]
    async with asyncio.timeout(20):
        for run_id in runs:
            assert (await service.finished(run_id))["output"]["answer"] == "go"


async def test_a_key_returns_its_token_until_it_expires(service: Service):
    first = await create(service, idempotencyKey="order-1", idempotencyKeyTTL="1s")
    assert (await create(service, idempotencyKey="order-1"))["id"] == first["id"]
    async with asyncio.timeout(20):
        while (again := await create(service, idempotencyKey="order-1"))["id"] == first["id"]:
            await asyncio.sleep(0.1)
    assert (first["isCached"], again["isCached"]) == (False, False)


async def test_lists_are_filtered_and_paged_both_ways(service: Service):
    ids = [(await create(service, tags=["a" if n % 2 else "b"]))["id"] for n in range(6)][::-1]
    await service.post(f"{PATH}/{ids[0]}/complete", {})
    _, page = await service.get(f"{PATH}?page[size]=4")
    _, second = await service.get(f"{PATH}?page[size]=4&page[after]={page['pagination']['next']}")
    _, back = await service.get(f"{PATH}?page[size]=4&page[before]={second['pagination']['previous']}")
    assert [[token["id"] for token in found["data"]] for found in (page, second, back)] == [ids[:4], ids[4:], ids[:4]]
    assert "previous" not in page["pagination"]
    for query, expected in (
        ("filter[status]=COMPLETED", ids[:1]),
        ("filter[status]=WAITING,COMPLETED", ids),
        ("filter[tags]=a", ids[::2]),
        ("filter[createdAt][period]=1h", ids),
        ("filter[createdAt][to]=2020-01-01", []),
    ):
        assert [token["id"] for token in (await service.get(f"{PATH}?{query}"))[1]["data"]] == expected, query
    assert (await service.get(f"{PATH}?filter[status]=BROKEN"))[0] == 422


async def test_a_run_that_waits_can_be_canceled_and_an_unknown_token_fails_it(service: Service):
    run_id = await service.start(APPROVE)
    await waiting(service, run_id)
    await service.post(f"/api/v2/runs/{run_id}/cancel", {})
    assert (await service.finished(run_id))["status"] == "CANCELED"
    run = await service.finished(await service.start(APPROVE, {"token": "waitpoint_unknown"}, max_attempts=1))
    assert (run["status"], run["error"]["name"]) == ("FAILED", "UnknownTokenError")
    assert (await service.post(f"{PATH}/waitpoint_unknown/complete", {}))[0] == 404


@needs_node
async def test_the_sdks_wait_calls(service: Service):
    run_id = await service.start(APPROVE)
    await waiting(service, run_id)
    seen = await run_node(service, "wait_tokens.mjs", "sdk4", run_id)
    assert seen["again"] == {
        **seen["created"],
        "isCached": True,
        "publicAccessToken": seen["again"]["publicAccessToken"],
    }
    assert (seen["retrieved"]["status"], seen["retrieved"]["output"]) == ("COMPLETED", {"approved": True})
    assert seen["byPublicToken"] == {"success": True}
    assert seen["listed"] == [seen["created"]["id"]]
    assert seen["ofRun"] == 1
    assert (await service.finished(run_id))["output"]["answer"] == "aprovado"
