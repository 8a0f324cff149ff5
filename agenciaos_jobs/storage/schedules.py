"""Schedules, and which of their slots have made a run."""

from datetime import datetime

from agenciaos_jobs.core.job import Schedule
from agenciaos_jobs.storage.database import Executor
from agenciaos_jobs.storage.queries import load

QUERIES = load("schedules")


async def declare(
    executor: Executor, schedule_id: str, task: str, schedule: Schedule, now: datetime, last_slot: datetime
) -> None:
    """Makes a job's own schedule known. A new or changed one begins after ``last_slot``."""
    await executor.execute(QUERIES["declare"], schedule_id, task, schedule.cron, schedule.timezone, now, last_slot)


async def last_slots(executor: Executor) -> dict[str, datetime]:
    """For each schedule the last slot that made a run."""
    return {record["id"]: record["last_slot"] for record in await executor.fetch(QUERIES["last_slots"])}


async def take_slot(executor: Executor, schedule_id: str, slot: datetime) -> bool:
    """Whether the caller is the one that makes this slot's run; true once, and never for an older slot after it."""
    return await executor.fetchval(QUERIES["take_slot"], schedule_id, slot) is not None
