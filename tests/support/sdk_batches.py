"""What must hold of batches by Trigger.dev's SDK, whichever its line."""

from typing import Any

import asyncpg

from agenciaos_jobs.settings import Settings
from support.node import run_node
from support.sdk import running_with_test_jobs

RUNS = """SELECT run.* FROM jobs.batch_items JOIN jobs.runs AS run ON run.id = run_id
          WHERE batch_items.batch_id = $1 ORDER BY position"""


async def check(line: str, settings: Settings, db: asyncpg.Connection) -> None:
    async with running_with_test_jobs(settings) as service:
        seen = await run_node(service, "batch.mjs", line)
    many = await db.fetch(RUNS, seen["many"])
    assert [(run["payload"], run["tags"]) for run in (many[0], many[499])] == [
        ('{"n": 0, "at": "1970-01-01T00:00:00.000Z"}', ["many"]),
        ('{"n": 499, "at": "1970-01-01T00:00:00.499Z"}', ["many"]),
    ]
    assert len({run["created_at"] for run in many}) == 1, "one INSERT for all"
    _a_batch_tells_how_far_it_is(seen)
    small, same = await db.fetch(RUNS, seen["small"]["batchId"]), await db.fetch(RUNS, seen["same"])
    assert [run["id"] for run in same] == [small[1]["id"]] * 2
    assert [run["task"] for run in await db.fetch(RUNS, seen["mixed"])] == ["echo", "slow"]
    assert seen["keyed"][0] == seen["keyed"][1]
    assert "echo, fail" in seen["unknown"]["error"]["message"]
    assert "items.1.options.maxAttempts" in seen["wrong"]["error"]["message"]
    if line == "sdk3":
        assert [run["taskIdentifier"] for run in seen["small"]["runs"]] == ["echo", "echo"]
    else:  # 4.x sends payloads of 128 KB and more ahead
        assert len((await db.fetch(RUNS, seen["large"]))[0]["payload"]) > 200_000
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE batch_id IS NOT NULL") == 505 + (line == "sdk4")


def _a_batch_tells_how_far_it_is(seen: dict[str, Any]) -> None:
    assert (seen["manyState"]["status"], seen["manyState"]["runCount"]) == ("PENDING", 500)
    assert (seen["state"]["status"], seen["state"]["runCount"]) == ("COMPLETED", 2)
    assert {run["triggerFunction"] for run in seen["listed"]} == {"batchTrigger"}
    assert {run["batchId"] for run in seen["listed"]} == {seen["small"]["batchId"]}
