"""Queues: how many of their runs wait and execute, and what an operator has set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.run import QueuedRun
from agenciaos_jobs.foundation.database import Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

TASK = "task/"
"""The prefix in the name of a task's own queue."""


@dataclass(frozen=True)
class QueueState:
    """A queue. ``base`` is the highest concurrency limit that its open runs came with; ``override`` counts instead."""

    name: str
    running: int
    queued: int
    base: int | None
    paused_at: datetime | None
    paused_by: str | None
    override: int | None
    overridden_at: datetime | None
    overridden_by: str | None

    @property
    def limit(self) -> int | None:
        """The concurrency limit in force: for each concurrency key, or for all runs of the queue without one."""
        return self.base if self.override is None else self.override


async def states(executor: Executor, tasks: Sequence[str]) -> list[QueueState]:
    """Those tasks' own queues, and every other one with open runs or a setting, in the order of their names."""
    names = [TASK + task for task in tasks]
    return [QueueState(**record) for record in await executor.fetch(QUERIES["all"], names)]


async def pause(executor: Executor, name: str, now: datetime, who: str | None) -> None:
    """From the commit on no run of the queue starts. A queue that is paused already stays as it is."""
    await executor.execute(QUERIES["pause"], name, now, who)


async def resume(database: Database, name: str) -> None:
    await _remove(database, "resume", name)


async def override(executor: Executor, name: str, limit: int, now: datetime, who: str | None) -> None:
    """Sets the limit that counts instead of those that the runs came with."""
    await executor.execute(QUERIES["override"], name, limit, now, who)


async def reset(database: Database, name: str) -> None:
    await _remove(database, "reset", name)


async def _remove(database: Database, setting: str, name: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(QUERIES[setting], name)
        await connection.execute(QUERIES["drop_unmanaged"], name)


async def park_paused(executor: Executor, run_ids: list[str], now: datetime) -> list[str]:
    """Parks those of the due runs whose queue is paused; returns their ids."""
    return [record["id"] for record in await executor.fetch(QUERIES["park_paused"], run_ids, now)]


async def unpark_resumed(executor: Executor) -> list[QueuedRun]:
    """Unparks up to a thousand runs whose queue is not paused any more."""
    return [QueuedRun(**record) for record in await executor.fetch(QUERIES["unpark_resumed"])]
