"""What must hold of runs that wait, by Trigger.dev's SDK, whichever its line."""

from itertools import pairwise
from typing import Any

from agenciaos_jobs.settings import Settings
from support.node import run_node
from support.sdk import running_with_test_jobs


async def check(line: str, settings: Settings) -> None:
    async with running_with_test_jobs(settings) as service:
        seen = await run_node(service, "waits.mjs", line)
    _a_key_lets_one_go_at_a_time_in_the_order_they_came(seen)
    _expiry_frees_an_idempotency_key_and_success_keeps_it(seen)
    assert (seen["timedOut"]["status"], seen["timedOut"]["isFailed"]) == ("TIMED_OUT", True)
    assert seen["tooShort"]["error"]["status"] == 422


def _a_key_lets_one_go_at_a_time_in_the_order_they_came(seen: dict[str, Any]) -> None:
    for earlier, later in pairwise(seen["inOrder"]):
        assert earlier["createdAt"] <= later["createdAt"]
        assert earlier["finishedAt"] <= later["finishedAt"]
    assert seen["other"]["finishedAt"] < seen["inOrder"][-1]["finishedAt"]
    assert {(run["status"], run["attemptCount"]) for run in seen["inOrder"]} == {("COMPLETED", 1)}


def _expiry_frees_an_idempotency_key_and_success_keeps_it(seen: dict[str, Any]) -> None:
    assert (seen["expired"]["status"], seen["expired"]["ttl"]) == ("EXPIRED", "1s")
    assert "startedAt" not in seen["expired"]
    assert seen["afterExpiry"]["id"] != seen["expired"]["id"]
    assert seen["waiting"]["status"] == "QUEUED"
    assert (seen["succeeded"]["status"], seen["succeeded"]["attemptCount"]) == ("COMPLETED", 1)
    assert seen["afterSuccess"]["id"] == seen["succeeded"]["id"]
    assert seen["afterItsTime"]["id"] != seen["brief"]["id"]
