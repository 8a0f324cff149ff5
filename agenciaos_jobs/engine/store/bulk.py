"""Bulk actions and the results of their items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

Action = Literal["cancel", "replay"]
Outcome = Literal["canceled", "over", "replayed", "failed"]


@dataclass(frozen=True)
class BulkAction:
    """A bulk action as requested, and when it was aborted or completed."""

    id: str
    action: Action
    asked_at: datetime
    name: str | None = None
    aborted_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True)
class Result:
    """The result for one run. ``over``: the run had ended before it could be canceled. ``problem``: why it failed."""

    run_id: str
    outcome: Outcome
    new_run_id: str | None = None
    problem: str | None = None


async def start(
    executor: Executor, bulk_id: str, action: Action, run_ids: Sequence[str], now: datetime, name: str | None = None
) -> None:
    await executor.execute(QUERIES["start"], bulk_id, action, now, list(run_ids), name)


async def take(
    executor: Executor, bulk_id: str, now: datetime, taken_before: datetime, limit: int
) -> list[tuple[int, str]]:
    """Claims the next items that are unclaimed, or whose claim is from before ``taken_before``: positions and runs."""
    records = await executor.fetch(QUERIES["take"], bulk_id, now, taken_before, limit)
    return [(record["position"], record["run_id"]) for record in records]


async def record_results(executor: Executor, bulk_id: str, results: Mapping[int, Result], now: datetime) -> None:
    """Records the results of items by their positions; with the last one the action is complete."""
    done = results.values()
    await executor.execute(
        QUERIES["record_results"],
        bulk_id,
        list(results),
        [result.outcome for result in done],
        [result.new_run_id for result in done],
        [result.problem for result in done],
        now,
    )


async def unfinished(executor: Executor) -> list[str]:
    """The ids of actions with items left."""
    return [record["id"] for record in await executor.fetch(QUERIES["unfinished"])]


async def get(executor: Executor, bulk_id: str) -> BulkAction | None:
    record = await executor.fetchrow(QUERIES["get"], bulk_id)
    return BulkAction(**record) if record else None


async def page(executor: Executor, size: int, after: str | None, before: str | None) -> list[BulkAction]:
    """Up to ``size`` actions, newest first: those older than ``after``, or the next ones newer than ``before``."""
    records = await executor.fetch(QUERIES["page"], after, before, size)
    return sorted((BulkAction(**record) for record in records), key=lambda bulk: bulk.id, reverse=True)


async def complete(executor: Executor, bulk_id: str, now: datetime) -> None:
    """Marks an action as completed if it has no items left."""
    await executor.execute(QUERIES["complete"], bulk_id, now)


async def abort(executor: Executor, bulk_id: str, now: datetime) -> None:
    """Lets no more items be taken."""
    await executor.execute(QUERIES["abort"], bulk_id, now)


async def progress(executor: Executor, bulk_id: str) -> dict[Outcome | None, int]:
    """The number of items by outcome; items left are under ``None``."""
    return {record["outcome"]: record["runs"] for record in await executor.fetch(QUERIES["progress"], bulk_id)}


async def delete_old(executor: Executor, before: datetime) -> None:
    """Deletes actions that were requested before a moment."""
    await executor.execute(QUERIES["delete_old"], before)
