"""What people think of generated contents: thumbs up or down, with a word."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Feedback:
    """One person's verdict on a run's content."""

    run_id: str
    author: str
    agency_id: str | None
    agent_type: str
    is_good: bool
    word: str | None
    created_at: datetime


@dataclass(frozen=True)
class Verdicts:
    """How many verdicts an agency's contents of one agent got in a period."""

    agency_id: str | None
    agent_type: str
    good: int
    bad: int


async def give(executor: Executor, feedback: Feedback) -> None:
    """Stores a verdict; it replaces an earlier one of the same author on the same run."""
    await executor.execute(QUERIES["give"], *vars(feedback).values())


async def withdraw(executor: Executor, run_id: str, author: str) -> None:
    await executor.execute(QUERIES["withdraw"], run_id, author)


async def of_runs(executor: Executor, run_ids: list[str]) -> list[Feedback]:
    """The verdicts on some runs, newest first."""
    return [Feedback(**record) for record in await executor.fetch(QUERIES["of_runs"], run_ids)]


async def verdicts(executor: Executor, since: datetime, until: datetime) -> list[Verdicts]:
    """By agency and agent, the verdicts that were given from ``since`` up to before ``until``."""
    return [Verdicts(**record) for record in await executor.fetch(QUERIES["verdicts"], since, until)]
