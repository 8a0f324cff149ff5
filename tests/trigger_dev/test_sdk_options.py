"""Each option of a trigger, by plain HTTP: what it may be, and that what it may not be is named."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.sdk import running_with_test_jobs
from support.service import Service, running_server

from agenciaos_jobs.settings import Settings

TASK = "generate-monthly-reports"
PATH = f"/api/v1/tasks/{TASK}/trigger"
LONG = "x" * 2049


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Service]:
    async with running_server(settings) as running:
        yield running


WRONG: list[tuple[str, Any, str]] = [
    ("payloadType", "application/xml", ""),
    ("queue", {"name": ""}, ".name"),
    ("queue", {"name": "q", "concurrencyLimit": 0}, ".concurrencyLimit"),
    ("queue", 5, ""),
    ("concurrencyKey", "", ""),
    ("concurrencyKey", "k" * 513, ""),
    ("concurrencyKey", ["k"], ""),
    ("idempotencyKey", "", ""),
    ("idempotencyKey", 5, ""),
    ("idempotencyKeyTTL", "ages", ""),
    ("idempotencyKeyTTL", "9000w", ""),
    ("idempotencyKeyOptions", {"key": ""}, ".key"),
    ("delay", "soon", ""),
    ("delay", "2200-01-01", ""),
    ("delay", 5, ""),
    ("ttl", "never", ""),
    ("ttl", 0, ""),
    ("ttl", -1, ""),
    ("tags", [f"t{n}" for n in range(11)], ""),
    ("tags", [""], ".0"),
    ("tags", ["fine", "t" * 129], ".1"),
    ("tags", {"a": 1}, ""),
    ("maxAttempts", 0, ""),
    ("maxAttempts", 101, ""),
    ("maxAttempts", "many", ""),
    ("maxDuration", 4, ""),
    ("maxDuration", "long", ""),
    ("metadata", [1], ""),
    ("metadata", "{", ""),
    ("metadata", {"text": "x" * 256 * 1024}, ""),
    ("priority", -1, ""),
    ("priority", "high", ""),
    ("test", "perhaps", ""),
    ("machine", "enormous", ""),
    ("machine", 5, ""),
    ("lockToVersion", 5, ""),
    ("lockToVersion", "", ""),
    ("region", {"name": "eu"}, ""),
    ("debounce", {"key": "k", "delay": "soon"}, ""),
    ("concurrency", {"limits": []}, ""),
    ("gates", [{"queue": "q"}], ""),
]


@pytest.mark.parametrize(("option", "value", "inside"), WRONG, ids=[f"{o}-{str(v)[:20]}" for o, v, _ in WRONG])
async def test_a_bad_value_of_any_option_is_named(
    server: Service, db: asyncpg.Connection, option: str, value: Any, inside: str
):
    asked = {"task": TASK, "payload": {}, "options": {option: value}}
    for path, body, where in (
        (PATH, asked, "options."),
        ("/api/v1/tasks/batch", {"items": [asked]}, "items.0.options."),
        ("/api/v2/tasks/batch", {"items": [asked]}, "items.0.options."),
    ):
        status, problem = await server.post(path, body)
        assert (status, problem["status"]) == (422, 422)
        # A union's branches stand behind the option's name.
        named = [error["field"] for error in problem["errors"]]
        assert any(field == where + option + inside or field.startswith(f"{where}{option}.") for field in named), named
        assert where + option in problem["error"]
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0


@pytest.mark.parametrize("options", [{"idempotencyKey": LONG}, {"idempotencyKeyOptions": {"key": LONG}}])
async def test_too_long_an_idempotency_key_is_400(server: Service, options: dict[str, Any]):
    status, problem = await server.post(PATH, {"payload": {}, "options": options})
    assert (status, len(problem["errors"])) == (400, 1)
    status, problem = await server.post("/api/v1/tasks/batch", {"items": [{"task": TASK, "options": options}]})
    assert (status, problem["errors"][0]["field"].startswith("items.0.options.idempotencyKey")) == (400, True)
    status, _ = await server.post(PATH, {"payload": {}, "options": options | {"maxAttempts": 0}})
    assert status == 422


async def stored(server: Service, db: asyncpg.Connection, **options: Any) -> asyncpg.Record:
    status, handle = await server.post(PATH, {"payload": {}, "options": options})
    assert status == 200, handle
    run = await db.fetchrow("SELECT * FROM jobs.runs WHERE id = $1", handle["id"])
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [(1, 1), (600, 600), ("10m", 600), ("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800)],
)
async def test_a_ttl_is_seconds_or_a_duration(server: Service, db: asyncpg.Connection, ttl: Any, seconds: int):
    run = await stored(server, db, ttl=ttl)
    assert run["expires_at"] - run["due_at"] == timedelta(seconds=seconds)


@pytest.mark.parametrize("delay", ["90m", "1h30m", "5400s"])
async def test_a_delay_is_a_duration(server: Service, db: asyncpg.Connection, delay: str):
    run = await stored(server, db, delay=delay)
    assert (run["status"], run["due_at"] - run["created_at"]) == ("DELAYED", timedelta(minutes=90))


@pytest.mark.parametrize("delay", ["2028-02-29T12:00:00.000Z", "2028-02-29T09:00:00-03:00", "2028-02-29T12:00"])
async def test_a_delay_is_a_date(server: Service, db: asyncpg.Connection, delay: str):
    run = await stored(server, db, delay=delay)
    assert abs(run["due_at"] - datetime(2028, 2, 29, 12, tzinfo=UTC)) < timedelta(seconds=1)


async def test_the_edges_of_what_may_be_asked_for_are_accepted(server: Service, db: asyncpg.Connection):
    metadata = {"text": "x" * (256 * 1024 - len('{"text":""}'))}
    tags = [f"{n}" + "t" * 127 for n in range(10)]
    run = await stored(
        server, db, maxDuration=5, maxAttempts=100, metadata=metadata, tags=tags, idempotencyKey="k" * 2048,
        concurrencyKey=7, priority=10, queue={"name": {"name": "q", "concurrencyLimit": 1}}, test=True,
        machine="large-2x", lockToVersion="20261124.1", region="eu-central-1",
    )  # fmt: skip
    assert (run["max_duration"], run["max_attempts"], run["tags"], run["priority"]) == (5, 100, tags, 10)
    assert (run["concurrency_key"], run["concurrency_limit"], run["is_test"]) == ("q:7", 1, True)
    assert json.loads(run["metadata"]) == metadata
    assert (await stored(server, db, tags="one"))["tags"] == ["one"]


async def test_payloads_come_as_superjson_json_and_text(settings: Settings):
    given = [
        ("echo", '{"json": {"at": "1970-01-01T00:00:00.000Z"}, "meta": {"values": {"at": ["Date"]}}}',
         "application/super+json", {"at": "1970-01-01T00:00:00.000Z"}),
        ("echo", '{"n": 1}', "application/json", {"n": 1}),
        ("echo", {"n": 1}, "application/json", {"n": 1}),
        ("echo", {"n": 1}, None, {"n": 1}),
        ("say", "olá", "text/plain", {"text": "olá"}),
        ("say", "olá", None, {"text": "olá"}),
        ("say", '"olá"', "application/json", {"text": "olá"}),
    ]  # fmt: skip
    async with running_with_test_jobs(settings) as service:
        for task, payload, kind, output in given:
            body = {"payload": payload, "options": {"payloadType": kind}}
            _, handle = await service.post(f"/api/v1/tasks/{task}/trigger", body)
            assert (await service.finished(handle["id"]))["output"] == output
        for text, kind in (("{", "application/json"), ('{"n": 1}', "application/super+json"), ("{}", "text/plain")):
            body = {"payload": text, "options": {"payloadType": kind}}
            status, problem = await service.post("/api/v1/tasks/echo/trigger", body)
            assert (status, problem["errors"][0]["field"].split(".")[0]) == (422, "payload")


async def test_a_payload_of_3_mb_is_accepted_and_a_larger_one_is_413(server: Service, db: asyncpg.Connection):
    for size, expected in ((3 * 1024 * 1024, 422), (3 * 1024 * 1024 + 1, 413)):  # 422: the job takes no such field
        payload = json.dumps({"month": "x" * (size - len('{"month": ""}'))})
        body = {"task": TASK, "payload": payload, "options": {"payloadType": "application/json"}}
        assert len(payload) == size
        assert (await server.post(PATH, body))[0] == expected
        assert (await server.post("/api/v1/tasks/batch", {"items": [body]}))[0] == expected
