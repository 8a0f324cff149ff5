"""The stored log lines of runs."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class LogLine:
    """One log line. The order of the fields is that of the columns in ``insert``."""

    run_id: str
    attempt: int
    logged_at: datetime
    level: str
    message: str
    fields: Json


async def insert(executor: Executor, lines: Sequence[LogLine]) -> None:
    rows = [astuple(line) for line in lines]
    await executor.execute(QUERIES["insert"], *map(list, zip(*rows, strict=True)))


async def of_run(executor: Executor, run_id: str) -> list[LogLine]:
    """A run's lines in the order in which they were logged."""
    return [LogLine(run_id=run_id, **record) for record in await executor.fetch(QUERIES["of_run"], run_id)]
