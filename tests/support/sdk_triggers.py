"""What must hold of triggers by Trigger.dev's SDK, whichever its line."""

from datetime import timedelta
from typing import Any

import asyncpg

from agenciaos_jobs.settings import Settings
from support.node import run_node
from support.sdk import running_with_test_jobs


async def check(line: str, settings: Settings, db: asyncpg.Connection) -> None:
    async with running_with_test_jobs(settings) as service:
        seen = await run_node(service, "trigger.mjs", line)
    _payloads_arrive_as_sensible_json(seen)
    _a_key_answers_with_its_run(seen)
    _wrong_options_are_named(seen)
    _what_cannot_start_says_why(seen)
    assert (seen["report"]["success"], seen["report"]["month"]) == (True, "2026-10")
    assert line == "sdk4" or seen["polled"]["output"] == {"n": 1}  # 4.x has no triggerAndPoll
    full = await db.fetchrow("SELECT * FROM jobs.runs WHERE id = $1", seen["full"]["id"])
    assert full is not None
    limits = ("max_attempts", "max_duration", "concurrency_key", "concurrency_limit", "queue", "source")
    limit = {"sdk3": 3, "sdk4": settings.agency_concurrency}[line]
    assert [full[name] for name in limits] == [2, 60, "posts:agency-1", limit, "posts", "sdk"]
    assert full["priority"] == {"sdk3": 0, "sdk4": 10}[line]
    assert (full["due_at"] - full["created_at"], full["expires_at"] - full["due_at"]) == (
        timedelta(hours=1),
        timedelta(minutes=10),
    )
    run = seen["full"]
    assert (run["status"], run["tags"], run["metadata"]) == ("DELAYED", ["a", "b"], {"step": 1, "nested": {"a": [1]}})
    assert (run["ttl"], run["delayedUntil"] > run["createdAt"], seen["dated"]["status"]) == ("10m", True, "DELAYED")
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE idempotency_key IS NOT NULL") == 3


async def check_repetitions(line: str, settings: Settings, db: asyncpg.Connection) -> None:
    async with running_with_test_jobs(settings) as service:
        seen = await run_node(service, "repeat.mjs", line)
    assert len(seen["requests"]) == {"sdk3": 2, "sdk4": 3}[line]
    assert len(set(seen["requests"])) == 1
    assert await db.fetchval("SELECT array_agg(id) FROM jobs.runs") == [seen["id"]]


def _payloads_arrive_as_sensible_json(seen: dict[str, Any]) -> None:
    assert seen["byId"] == {
        "at": "2026-11-24T12:00:00.000Z",
        "small": 10,
        "big": str(2**70),
        "map": {"a": "1970-01-01T00:00:00.000Z"},
        "pairs": [[{"a": 1}, 2]],
        "set": [1, 2],
        "list": [None, "1970-01-01T00:00:00.000Z"],
        "dotted.name": "1970-01-01T00:00:00.000Z",
        "nothing": None,
    }
    assert seen["say"] == {"text": "olá"}
    assert (seen["byTask"], seen["nothing"], seen["large"]) == ({"text": "olá"}, {}, 800_000)


def _a_key_answers_with_its_run(seen: dict[str, Any]) -> None:
    assert seen["first"]["id"] == seen["second"]["id"]
    assert seen["first"]["id"] == seen["third"]["id"]
    assert len(seen["many"]) == 1


def _wrong_options_are_named(seen: dict[str, Any]) -> None:
    assert set(seen["wrong"]) >= {"delay", "ttl", "tags", "maxAttempts", "maxDuration", "metadata", "queue", "machine"}
    for option, error in seen["wrong"].items():
        name = {"version": "lockToVersion"}.get(option, option)
        assert (error["status"], f"options.{name}" in error["message"]) == (422, True), option


def _what_cannot_start_says_why(seen: dict[str, Any]) -> None:
    assert seen["text"]["error"]["status"] == 422
    assert seen["tooLarge"]["error"]["status"] == 413
    assert seen["unknown"]["error"]["status"] == 404
    assert "echo, fail, generate-ai-content" in seen["unknown"]["error"]["message"]
