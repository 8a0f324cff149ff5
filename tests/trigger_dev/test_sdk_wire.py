"""What the SDK's wire promises that no single call of the SDK shows: repetitions, limits, refusals."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sdk import most_at_once, running_with_test_jobs
from support.service import Service, running_server, running_worker

from agenciaos_jobs import registry
from agenciaos_jobs.engine.model.metadata import Change, changed
from agenciaos_jobs.engine.store import batches
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.trigger_dev import superjson

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


async def trigger(service: Service, task: str, payload: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    return await service.post(f"/api/v1/tasks/{task}/trigger", {"payload": payload or {}}, **headers)


async def test_a_request_repeated_by_the_sdk_makes_one_run(settings: Settings, db: asyncpg.Connection):
    again = {"x-trigger-request-idempotency-key": "0b8f"}
    async with running_with_test_jobs(settings) as service:
        answers = await asyncio.gather(*[trigger(service, "fail", **again) for _ in range(20)])
        run_id = answers[0][1]["id"]
        assert {answer["id"] for _, answer in answers} == {run_id}
        await service.finished(run_id)
        assert (await trigger(service, "fail", **again))[1]["id"] == run_id  # it failed: still the same call
        other = {"x-trigger-request-idempotency-key": "other"}
        replayed = [await service.post(f"/api/v1/runs/{run_id}/replay", {}, **other) for _ in range(2)]
        assert replayed[0] == replayed[1]
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 2


async def test_a_repeated_request_whose_key_was_held_gets_the_answer_it_had(settings: Settings):
    async with running_with_test_jobs(settings) as service:
        body = {"payload": {}, "options": {"idempotencyKey": "k", "delay": "1h"}}
        first = await service.post("/api/v1/tasks/echo/trigger", body)
        for _ in range(2):
            again = await service.post(
                "/api/v1/tasks/echo/trigger", body, **{"x-trigger-request-idempotency-key": "other"}
            )
            assert again[1]["id"] == first[1]["id"]


async def stream(service: Service, batch_id: str, items: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    lines = "\n".join(map(json.dumps, items)) + "\n"
    headers = {"Content-Type": "application/x-ndjson"}
    async with service.http.post(f"/api/v3/batches/{batch_id}/items", data=lines, headers=headers) as response:
        return response.status, await response.json()


async def test_a_stream_sent_again_adds_only_what_is_missing(settings: Settings, db: asyncpg.Connection):
    async with running_with_test_jobs(settings) as service:
        _, batch = await service.post("/api/v3/batches", {"runCount": 3, "taskIdentifiers": ["echo"]})
        items = [{"index": n, "task": "echo", "payload": {"n": n}} for n in range(3)]
        _, part = await stream(service, batch["id"], items[:2])
        assert (part["itemsAccepted"], part["sealed"], part["enqueuedCount"], part["expectedCount"]) == (2, False, 2, 3)
        for accepted, repeated in ((1, 2), (0, 3)):
            _, whole = await stream(service, batch["id"], items)
            assert (whole["itemsAccepted"], whole["itemsDeduplicated"], whole["sealed"]) == (accepted, repeated, True)
        status, problem = await stream(service, batch["id"], [{"index": 0, "task": "nothing"}])
        assert (status, problem["tasks"][0]) == (404, "approve")
        assert (await stream(service, "batch_nope", items))[0] == 404
        status, problem = await stream(service, batch["id"], [{"index": -1, "task": "echo"}])
        assert (status, problem["errors"][0]["field"]) == (422, "items.0.index")
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 3


async def test_old_batches_are_forgotten_and_their_runs_stay(settings: Settings, db: asyncpg.Connection):
    async with running_with_test_jobs(settings) as service:
        _, batch = await service.post("/api/v1/tasks/batch", {"items": [{"task": "echo", "payload": {}}]})
        now = SystemClock().now()
        await batches.drop_old(db, now - timedelta(days=1))
        assert (await service.get(f"/api/v1/batches/{batch['id']}"))[0] == 200
        await batches.drop_old(db, now + timedelta(minutes=1))
        assert (await service.get(f"/api/v1/batches/{batch['id']}"))[0] == 404
        assert (await service.run(batch["runs"][0]["id"]))["batchId"] == batch["id"]


async def test_at_most_so_many_runs_of_a_key_go_at_once_whichever_worker_has_them(
    settings: Settings, db: asyncpg.Connection
):
    async with running_with_test_jobs(settings) as service, running_worker(settings, registry.JOBS):
        queue = {"name": "posts", "concurrencyLimit": 2}
        asked = []
        for n in range(8):
            options = {"queue": queue, "concurrencyKey": "agency-1"} if n % 2 else {"queue": queue}
            body = {"payload": {"seconds": 0.2}, "options": options}
            asked.append(service.post("/api/v1/tasks/slow/trigger", body))
        ids = [made["id"] for _, made in await asyncio.gather(*asked)]
        runs = [await service.finished(run_id) for run_id in ids]
    # Without a concurrency key, the queue itself is limited.
    assert (most_at_once["posts"], most_at_once["posts:agency-1"]) == (2, 2)
    assert {run["attemptCount"] for run in runs} == {1}


async def test_a_run_whose_job_is_gone_is_not_replayed(settings: Settings):
    async with running_with_test_jobs(settings) as service:
        run_id = (await trigger(service, "echo"))[1]["id"]
        await service.finished(run_id)
    async with running_server(settings) as service:
        status, problem = await service.post(f"/api/v1/runs/{run_id}/replay", {})
    assert (status, "echo" in problem["error"]) == (422, True)


async def test_a_packet_s_address_is_good_for_that_packet(settings: Settings):
    async with running_with_test_jobs(settings) as service:
        async with service.http.put("/api/v2/packets/any%2Fname.json", headers={"X-Forwarded-Proto": "https"}) as made:
            address = await made.json()
        assert address["presignedUrl"].startswith("https://127.0.0.1")
        path = "/api/packets/" + address["presignedUrl"].split("/api/packets/")[1]
        for wrong in (path.replace("signature=", "signature=0"), path.replace("packet_", "packet_0")):
            async with service.http.put(wrong, data="{}", headers={"Authorization": ""}) as refused:
                assert refused.status == 403
        async with service.http.put(path, data='{"n": 1}', headers={"Content-Type": "application/json"}) as stored:
            assert stored.status == 200
        body = {"payload": address["storagePath"], "options": {"payloadType": "application/store"}}
        _, handle = await service.post("/api/v1/tasks/echo/trigger", body)
        assert (await service.finished(handle["id"]))["output"] == {"n": 1}
        body["payload"] = "packet_nope"
        assert (await service.post("/api/v1/tasks/echo/trigger", body))[0] == 422


@given(PLAIN)
def test_superjson_of_plain_json_is_that_json(value: Any):
    assert superjson.decode({"json": value}) == value


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.integers(), min_size=1))
def test_superjson_finds_every_key_whatever_is_in_it(numbers: dict[str, int]):
    escaped = {key: key.replace("\\", "\\\\").replace(".", "\\.") for key in numbers}
    values = {escaped[key]: ["bigint"] for key in numbers}
    document = {"json": {key: str(number) for key, number in numbers.items()}, "meta": {"values": values, "v": 1}}
    expected = {key: n if abs(n) < 2**53 else str(n) for key, n in numbers.items()}
    assert superjson.decode(document) == expected


@pytest.mark.parametrize(
    "text",
    ["1", "{}", '{"json": 1, "meta": 3}', '{"json": {}, "meta": {"values": {"a": ["Date"]}}}', "x",
     '{"json": "x", "meta": {"values": ["bigint"]}}', '{"json": 1, "meta": {"values": 5}}',
     '{"json": 1, "meta": {"values": ' + '{"a":' * 200 + "1" + "}" * 200 + "}}"],
)  # fmt: skip
def test_what_is_no_superjson_is_refused(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        superjson.decode(json.loads(text))


def test_metadata_changes_that_do_not_fit_are_left_out():
    present = {"text": "a", "flag": True}
    changes = [Change("remove", "text", "a"), Change("increment", "text", 2), Change("append", "flag", 1)]
    assert changed(present, [*changes, Change("delete", "nothing")]) == {"text": 2, "flag": [True, 1]}
    assert present == {"text": "a", "flag": True}
