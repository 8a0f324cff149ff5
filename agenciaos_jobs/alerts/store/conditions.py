"""The data behind conditions: queues, failures and workers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agenciaos_jobs.alerts.alert import DELIVERY, INCIDENT_GAP
from agenciaos_jobs.alerts.kind import AlertKind, condition_kinds
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.store import history
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class ActiveCondition:
    """A condition that holds, with the details for its text."""

    kind: AlertKind
    key: str
    details: Json


@dataclass(frozen=True)
class Failing:
    """How many runs of a task failed, of how many that ended."""

    task: str
    failed: int
    ended: int


@dataclass(frozen=True)
class Lost:
    """A worker whose lease ran out."""

    host: str
    pid: int
    seen_at: datetime


async def try_start_interval(executor: Executor, name: str, now: datetime, every: timedelta) -> bool:
    """Whether the caller may run this interval's check; ``name`` is ``conditions`` or ``budget``."""
    return await executor.fetchval(QUERIES["try_start_interval"], name, now, now - every) is not None


async def set_active(connection: Connection, held: Sequence[ActiveCondition], clock: Clock) -> None:
    """Stores which conditions hold; earlier ones not among them are resolved."""
    now = clock.now()
    rows = [vars(item) | {"id": clock.new_id("alert")} for item in held]
    if rows:
        await connection.execute(QUERIES["set_active"], rows, now, INCIDENT_GAP)
    kinds, keys = [item.kind for item in held], [item.key for item in held]
    await connection.execute(QUERIES["end"], condition_kinds(), kinds, keys, now)


async def late_queues(executor: Executor, due_before: datetime) -> list[history.Depth]:
    """By task, the runs that were due before then and still wait for a worker; less those that deliver alerts."""
    return [depth for depth in await history.queue_depth(executor, due_before) if depth.task != DELIVERY]


async def overdue(executor: Executor, due_before: datetime) -> int:
    """How many schedules should have fired before then, and have not."""
    return int(await executor.fetchval(QUERIES["overdue_schedules"], due_before))


async def failing(executor: Executor, since: datetime, at_least: int, ignore: Sequence[str]) -> list[Failing]:
    """The tasks with that many failures since then; where nothing fails this costs next to nothing."""
    records = await executor.fetch(QUERIES["failures"], since, list(ignore), DELIVERY, at_least)
    failed = {record["task"]: record["failed"] for record in records}
    if not failed:
        return []
    ended = {record["task"]: record["ended"] for record in await executor.fetch(QUERIES["ended"], since, list(failed))}
    return [Failing(task, count, max(count, ended.get(task, 0))) for task, count in failed.items()]


async def lose_workers(connection: Connection, now: datetime) -> list[Lost]:
    """Workers that are found lost now; each once, unless it comes back."""
    records = await connection.fetch(QUERIES["lose_workers"], now)
    return [Lost(record["host"], record["pid"], record["seen_at"]) for record in records]
