"""The stored log lines of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.log_line import NewLogLine
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class LogLine:
    """A stored log line."""

    run_id: str
    attempt: int
    logged_at: datetime
    level: str
    message: str
    fields: Json


async def insert(executor: Executor, lines: Sequence[NewLogLine]) -> None:
    await executor.execute(QUERIES["insert"], *map(list, zip(*lines, strict=True)))


async def count_dropped(executor: Executor, counts: Sequence[tuple[str, int, datetime, int]]) -> None:
    """Stores how many lines of attempts were dropped: the run's id, the attempt, when the first was, and the number.

    An attempt has one such line, which a later call for the same attempt and time changes.
    """
    await executor.execute(QUERIES["count_dropped"], *map(list, zip(*counts, strict=True)))


async def of_run(executor: Executor, run_id: str) -> list[LogLine]:
    """A run's lines in the order in which they were logged."""
    return [LogLine(run_id=run_id, **record) for record in await executor.fetch(QUERIES["of_run"], run_id)]
