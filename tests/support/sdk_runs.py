"""What must hold of runs that Trigger.dev's SDK asks for and acts on, whichever its line."""

from typing import Any

import asyncpg

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.settings import Settings
from support.node import run_node
from support.sdk import running_with_test_jobs
from support.service import Service, running_server


async def check(line: str, settings: Settings, db: asyncpg.Connection) -> None:
    async with running_with_test_jobs(settings) as service:
        seen = await run_node(service, "runs.mjs", line)
    _a_run_tells_of_each_attempt(seen, line)
    _replays(seen)
    _only_a_delayed_run_is_rescheduled(seen)
    _cancels(seen)
    _keys_are_kept_by_success_and_freed_by_failure(seen["keys"], seen["resetAgain"])
    _metadata_and_tags_change(seen)
    assert {seen[name]["error"]["status"] for name in ("missing", "noReplay")} == {404}
    assert all(answer["status"] == 501 and answer["error"] for answer in seen["notHere"].values())
    assert (
        await db.fetchval("SELECT replay_of FROM jobs.runs WHERE id = $1", seen["again"]["id"]) == seen["failed"]["id"]
    )


def _a_run_tells_of_each_attempt(seen: dict[str, Any], line: str) -> None:
    run = seen["failed"]
    assert (run["status"], run["isFailed"], run["attemptCount"], run["tags"]) == ("FAILED", True, 2, ["bad"])
    assert (run["error"]["name"], run["error"]["message"]) == ("no_good", "never")
    if line == "sdk3":  # 4.x reads no attempts
        assert [(item["status"], item["error"]["name"]) for item in run["attempts"]] == [
            ("FAILED", "busy"),
            ("FAILED", "no_good"),
        ]
        assert [item["status"] for item in seen["executing"]["attempts"]] == ["EXECUTING"]


def _replays(seen: dict[str, Any]) -> None:
    failed, again, edited = seen["failed"], seen["again"], seen["edited"]
    assert again["id"] != failed["id"]
    assert (again["payload"], again["tags"], again["status"]) == (failed["payload"], ["bad"], "FAILED")
    if edited:  # an option of 4.x
        assert (edited["payload"], edited["tags"]) == ({"at": "1970-01-01T00:00:00.000Z"}, ["x"])


def _only_a_delayed_run_is_rescheduled(seen: dict[str, Any]) -> None:
    assert seen["sooner"]["delayedUntil"] < seen["moved"]["delayedUntil"]
    assert (seen["ran"]["status"], seen["ran"]["ttl"]) == ("COMPLETED", "1h")
    assert seen["tooLate"]["error"]["status"] == 400


def _cancels(seen: dict[str, Any]) -> None:
    assert seen["canceledId"] == seen["canceledAgain"] == {"id": seen["canceled"]["id"]}
    assert (seen["canceled"]["status"], seen["canceled"]["isCancelled"]) == ("CANCELED", True)


def _keys_are_kept_by_success_and_freed_by_failure(keys: dict[str, Any], status_of_unknown: int) -> None:
    assert keys["first"] == keys["kept"]
    assert keys["failing"] != keys["freed"]
    assert (len(keys["reset"]["id"]), keys["afterReset"] != keys["first"], status_of_unknown) == (64, True, 404)


def _metadata_and_tags_change(seen: dict[str, Any]) -> None:
    metadata = {"old": True, "progress": {"done": 1}, "count": 2, "list": ["b"]}
    assert seen["metadata"]["metadata"] == seen["changed"]["metadata"] == metadata
    assert seen["metadataRead"] == {"metadata": metadata}
    assert (seen["tagged"]["message"], seen["changed"]["tags"]) == ("Added 2 tags", ["one", "two"])
    assert seen["tooMany"]["errors"][0]["field"] == "tags"


async def check_list(line: str, settings: Settings) -> None:
    async with running_with_test_jobs(settings) as service:
        ids, batch_id = await _ten_runs(service)
        seen = await run_node(service, "list.mjs", line, batch_id)
    newest_first = ids[::-1]
    first, second, third, back, newest = seen["pages"]
    assert (first, second, third, back) == (newest_first[:4], newest_first[4:8], newest_first[8:], newest_first[4:8])
    assert newest[-1] == seen["paged"][2]  # what came meanwhile stands before the first page, and moved no other
    assert [run for run in seen["paged"] if run in ids] == newest_first
    assert seen["hasPrevious"] == [False, True]
    example = seen["example"]
    assert (example["id"], example["env"]["name"], "payload" in example) == (newest_first[0], "production", False)
    expected = {
        "status": ids[6:8], "statuses": ids[:8], "foreign": [], "task": ids[:6], "tasks": ids[:8], "tag": ids[:3],
        "tags": ids[:4], "none": [], "past": [], "future": [], "test": ids[2:3], "version": [], "schedule": [],
        "both": ids[2:4], "batch": ids[4:6],
    }  # fmt: skip
    for name, wanted in expected.items():
        assert sorted(seen["found"][name]) == sorted(wanted), name
    assert set(ids) < set(seen["found"]["from"]) == set(seen["found"]["period"])
    assert seen["project"] == 2
    assert "page[size]" in seen["wrong"]["message"]
    assert "filter[createdAt][period]" in seen["wrongPeriod"]["message"]


async def _ten_runs(service: Service) -> tuple[list[str], str]:
    """Four by themselves, two of a batch, two that fail, two that wait; and the batch's id."""
    ids: list[str] = []
    for tags in (["a"], ["a"], ["a", "b"], ["b"]):
        options = {"tags": tags, "test": len(ids) == 2}
        _, handle = await service.post("/api/v1/tasks/echo/trigger", {"payload": {}, "options": options})
        ids.append(handle["id"])
    item = {"task": "echo", "payload": {}}
    _, batch = await service.post("/api/v1/tasks/batch", {"items": [item, item]})
    ids += sorted(run["id"] for run in batch["runs"])
    for task, options in (("fail", {}), ("fail", {}), ("slow", {"delay": "1h"}), ("slow", {"delay": "1h"})):
        _, handle = await service.post(f"/api/v1/tasks/{task}/trigger", {"payload": {}, "options": options})
        ids.append(handle["id"])
    for run_id in ids[:8]:
        await service.finished(run_id)
    return ids, batch["id"]


FLAGS = {
    "DELAYED": ["isQueued"],
    "QUEUED": ["isQueued"],
    "EXECUTING": ["isExecuting"],
    "COMPLETED": ["isCompleted", "isSuccess"],
    "CANCELED": ["isCompleted", "isCancelled"],
    **{
        status: ["isCompleted", "isFailed"]
        for status in ("FAILED", "CRASHED", "TIMED_OUT", "EXPIRED", "SYSTEM_FAILURE")
    },
}


async def check_statuses(line: str, settings: Settings, db: asyncpg.Connection) -> None:
    """The SDK reads each status there is, and refuses any that it does not know."""
    assert FLAGS.keys() == set(Status)
    async with running_server(settings) as service:
        ids = [await service.trigger("monthly-report", delay="1h") for _ in Status]
        for run_id, status in zip(ids, Status, strict=True):
            await db.execute("UPDATE jobs.runs SET status = $2 WHERE id = $1", run_id, status)
        told = await run_node(service, "statuses.mjs", line, ",".join(ids))
    assert [run["status"] for run in told] == [run["listed"] for run in told] == list(Status)
    assert [run["flags"] for run in told] == [FLAGS[status] for status in Status]
    assert [run["followed"] for run in told] == list(Status)
