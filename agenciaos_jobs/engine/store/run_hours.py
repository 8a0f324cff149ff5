"""Hourly run statistics. Closed hours are rolled up; hours not rolled up yet are counted on each read."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agenciaos_jobs.engine.model.histogram import Histogram
from agenciaos_jobs.foundation.database import Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

HOUR = timedelta(hours=1)
RETENTION = timedelta(days=32)
GRACE = timedelta(minutes=10)
MAX_HOURS = 96


@dataclass(frozen=True)
class Outcomes:
    """The number of runs by outcome, for each hour and for each task. Outcome ``open``: the run has not ended."""

    by_hour: Mapping[datetime, Mapping[str, int]]
    by_task: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Times:
    """How long a task's runs waited for their first attempt, and how long they took from its start."""

    wait: Histogram = field(default_factory=Histogram)
    duration: Histogram = field(default_factory=Histogram)


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


async def count_closed_hours(database: Database, now: datetime, limit: int = MAX_HOURS) -> int:
    """Rolls up closed hours, the newest first, up to ``limit`` of them; returns how many.

    An hour is rolled up again as its open runs end, so the stored counts always match the runs.
    """
    async with database.transaction() as connection:
        if not await connection.fetchval(QUERIES["lock"]):
            return 0
        end = hour_of(now - GRACE)
        records = await connection.fetch(QUERIES["due"], hour_of(now - RETENTION), end, limit)
        if hours := [record["hour"] for record in records]:
            for step in ("forget_counts", "forget_times", "count", "count_times", "seal"):
                await connection.execute(QUERIES[step], hours)
        return len(hours)


async def outcomes(executor: Executor, since: datetime, until: datetime) -> Outcomes:
    """The outcomes from the hour of ``since`` to that of ``until``, both included."""
    by_hour: dict[datetime, dict[str, int]] = defaultdict(dict)
    by_task: dict[str, dict[str, int]] = defaultdict(dict)
    for record in await executor.fetch(QUERIES["outcomes"], hour_of(since), hour_of(until)):
        if record["hour"]:
            by_hour[record["hour"]][record["outcome"]] = record["runs"]
        else:
            by_task[record["task"]][record["outcome"]] = record["runs"]
    return Outcomes(by_hour, by_task)


async def times(executor: Executor, since: datetime, until: datetime) -> Mapping[str, Times]:
    """The times by task, from the hour of ``since`` to that of ``until``, both included."""
    by_task: dict[str, Times] = defaultdict(Times)
    for record in await executor.fetch(QUERIES["times"], hour_of(since), hour_of(until)):
        task_times = by_task[record["task"]]
        histogram = task_times.wait if record["kind"] == "wait" else task_times.duration
        histogram.counts[record["bucket"]] = record["runs"]
    return by_task


async def executing(executor: Executor) -> int:
    return int(await executor.fetchval(QUERIES["executing"]))
