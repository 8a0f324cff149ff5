"""Things done to many runs at once, and how far they are."""

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
    """What was asked for, and when."""

    id: str
    action: Action
    asked_at: datetime


@dataclass(frozen=True)
class Result:
    """What became of one run: ``over`` had ended before it could be canceled; ``problem`` tells why it failed."""

    run_id: str
    outcome: Outcome
    new_run_id: str | None = None
    problem: str | None = None


async def start(executor: Executor, bulk_id: str, action: Action, run_ids: Sequence[str], now: datetime) -> None:
    await executor.execute(QUERIES["start"], bulk_id, action, now, list(run_ids))


async def take(
    executor: Executor, bulk_id: str, now: datetime, taken_before: datetime, limit: int
) -> list[tuple[int, str]]:
    """The next items that nobody else has in hand: their positions and runs."""
    records = await executor.fetch(QUERIES["take"], bulk_id, now, taken_before, limit)
    return [(record["position"], record["run_id"]) for record in records]


async def note(executor: Executor, bulk_id: str, results: Mapping[int, Result]) -> None:
    """Keeps what became of items, by their positions."""
    done = results.values()
    await executor.execute(
        QUERIES["note"],
        bulk_id,
        list(results),
        [result.outcome for result in done],
        [result.new_run_id for result in done],
        [result.problem for result in done],
    )


async def unfinished(executor: Executor) -> list[str]:
    """The ids of actions that have items left."""
    return [record["id"] for record in await executor.fetch(QUERIES["unfinished"])]


async def get(executor: Executor, bulk_id: str) -> BulkAction | None:
    record = await executor.fetchrow(QUERIES["get"], bulk_id)
    return BulkAction(**record) if record else None


async def progress(executor: Executor, bulk_id: str) -> dict[Outcome | None, int]:
    """How many items have each outcome; those under ``None`` are left."""
    return {record["outcome"]: record["runs"] for record in await executor.fetch(QUERIES["progress"], bulk_id)}


async def results(executor: Executor, bulk_id: str, limit: int) -> list[Result]:
    """What is done: failures first."""
    return [Result(**record) for record in await executor.fetch(QUERIES["items"], bulk_id, limit)]


async def forget(executor: Executor, before: datetime) -> None:
    """Forgets actions that were asked for before."""
    await executor.execute(QUERIES["forget"], before)
