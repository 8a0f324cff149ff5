"""Retention: months of runs, and other expiring data."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg

from agenciaos_jobs.engine.model.retention_policy import MonthOfRuns
from agenciaos_jobs.foundation.database import Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_TIMEOUT = timedelta(hours=1).total_seconds()

MONTH_CLAIM = timedelta(hours=6)
"""How long a month stays claimed if the process that has claimed it is lost."""


class TableBusyError(Exception):
    """The month's tables are in constant use and could not be locked; nothing has changed."""


async def try_claim_maintenance(executor: Executor, chore: str, now: datetime, every: timedelta) -> bool:
    """Claims a chore that runs once in ``every``; ``False`` if it was claimed since."""
    return await executor.fetchval(QUERIES["try_claim_maintenance"], chore, now, now - every) is not None


async def release_maintenance(executor: Executor, chore: str) -> None:
    """Releases the claim, so that any worker can claim the chore again."""
    await executor.execute(QUERIES["release_maintenance"], chore)


@asynccontextmanager
async def months_claimed(executor: Executor, months: Sequence[str], now: datetime) -> AsyncIterator[None]:
    """Keeps the pruner off these months (``2026_11``) while their runs are changed: it copies a month, then swaps it.

    Raises :class:`TableBusyError` if one is being pruned.
    """
    claimed: list[str] = []
    try:
        for chore in map(chore_of, months):
            if not await try_claim_maintenance(executor, chore, now, MONTH_CLAIM):
                raise TableBusyError(chore)
            claimed.append(chore)
        yield
    finally:
        for chore in claimed:
            await release_maintenance(executor, chore)


def chore_of(month: str) -> str:
    """The chore of pruning a month."""
    return f"month {month}"


async def last_done(executor: Executor, chore: str) -> datetime | None:
    """When the chore was last claimed."""
    done_at: datetime | None = await executor.fetchval(QUERIES["last_done"], chore)
    return done_at


async def months(database: Database, cutoffs: tuple[datetime, datetime]) -> list[MonthOfRuns]:
    """The months that may hold expired runs, oldest first. Slow: it reads all of their rows."""
    async with database.connection() as connection:
        records = await connection.fetch(QUERIES["month_counts"], *cutoffs, timeout=_TIMEOUT)
    return [MonthOfRuns(**record) for record in records]


async def drop(database: Database, month: str) -> None:
    """Drops a month's runs, attempts and log lines. Raises :class:`TableBusyError`."""
    try:
        await database.execute(QUERIES["drop_month"], month)
    except asyncpg.LockNotAvailableError as error:
        raise TableBusyError(month) from error


async def compact(database: Database, month: str, cutoffs: tuple[datetime, datetime]) -> None:
    """Removes the expired runs of a month. Raises :class:`TableBusyError`."""
    async with database.connection() as connection:
        unfinished = await connection.fetchval(QUERIES["copy_month"], month, *cutoffs, timeout=_TIMEOUT)
    try:
        await database.execute(QUERIES["swap_month"], month, unfinished)
    except asyncpg.LockNotAvailableError as error:
        raise TableBusyError(month) from error


async def drop_expired_keys(executor: Executor, now: datetime) -> int:
    """Deletes up to 5,000 expired idempotency keys; returns how many."""
    return int(await executor.fetchval(QUERIES["drop_expired_keys"], now))


async def forget_contents(executor: Executor, before: datetime) -> int:
    """Clears up to 5,000 texts that were generated before a moment; returns how many."""
    return int(await executor.fetchval(QUERIES["forget_contents"], before))
