"""Months of runs, and what else gets old."""

from datetime import datetime, timedelta

import asyncpg

from agenciaos_jobs.engine.model.retention_policy import MonthOfRuns
from agenciaos_jobs.foundation.database import Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_PATIENCE = timedelta(hours=1).total_seconds()


class TableBusyError(Exception):
    """Somebody reads or writes without a pause, so the month's tables could not be exchanged; nothing has changed."""


async def try_claim_maintenance(executor: Executor, chore: str, now: datetime, every: timedelta) -> bool:
    """Whether it is this caller's turn to do the chore, which is done once in ``every``."""
    return await executor.fetchval(QUERIES["try_claim_maintenance"], chore, now, now - every) is not None


async def end_chore(executor: Executor, chore: str) -> None:
    """Lets anybody begin the chore again."""
    await executor.execute(QUERIES["end_chore"], chore)


async def last_done(executor: Executor, chore: str) -> datetime | None:
    """When the chore was last begun."""
    done_at: datetime | None = await executor.fetchval(QUERIES["last_done"], chore)
    return done_at


async def outside_months(executor: Executor) -> int:
    """Runs for which there was no month's partition."""
    return int(await executor.fetchval(QUERIES["outside_months"]))


async def months(database: Database, cutoffs: tuple[datetime, datetime]) -> list[MonthOfRuns]:
    """The months that may hold expired runs, oldest first. Reads all of them, so it takes its time."""
    async with database.connection() as connection:
        records = await connection.fetch(QUERIES["month_counts"], *cutoffs, timeout=_PATIENCE)
    return [MonthOfRuns(**record) for record in records]


async def drop(database: Database, month: str) -> None:
    """Drops a month's runs, attempts and log lines. Raises :class:`TableBusyError`."""
    try:
        await database.execute(QUERIES["drop_month"], month)
    except asyncpg.LockNotAvailableError as error:
        raise TableBusyError(month) from error


async def compact(database: Database, month: str, cutoffs: tuple[datetime, datetime]) -> None:
    """Leaves of a month what has not expired. Raises :class:`TableBusyError`."""
    async with database.connection() as connection:
        unfinished = await connection.fetchval(QUERIES["copy_month"], month, *cutoffs, timeout=_PATIENCE)
    try:
        await database.execute(QUERIES["swap_month"], month, unfinished)
    except asyncpg.LockNotAvailableError as error:
        raise TableBusyError(month) from error


async def drop_expired_keys(executor: Executor, now: datetime) -> int:
    """Forgets idempotency keys that hold no longer, some thousand at a time; returns how many."""
    return int(await executor.fetchval(QUERIES["drop_expired_keys"], now))


async def forget_contents(executor: Executor, before: datetime) -> int:
    """Blanks what was generated before a moment, some thousand texts at a time; returns how many."""
    return int(await executor.fetchval(QUERIES["forget_contents"], before))
