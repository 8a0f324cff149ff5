"""The filling of ``jobs.run_search``, after the ends of runs. No statement of a run's life writes it."""

from datetime import datetime, timedelta

from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

BATCH = 200
"""Runs that one call indexes, at about half a millisecond each."""

_ENLISTED = 5_000
_COMMIT_GRACE = timedelta(seconds=5)
_MISSED = timedelta(hours=3)


async def fill(database: Database, now: datetime, limit: int = BATCH) -> int:
    """Indexes up to ``limit`` runs that have ended, and queues the next ones; returns how many runs it read.

    Runs of before the search began follow, the newest first, while no newer ones are due. One worker at a time fills.
    """
    async with database.transaction() as connection:
        if not await connection.fetchval(QUERIES["lock"]):
            return 0
        await connection.execute(QUERIES["enlist"], now - _COMMIT_GRACE, _ENLISTED)
        read = int(await connection.fetchval(QUERIES["index"], now, limit))
        if read < limit:
            await connection.execute(QUERIES["enlist_older"], now, limit - read)
            read += int(await connection.fetchval(QUERIES["index"], now, limit - read))
        return read


async def enlist_missed(database: Database, now: datetime) -> None:
    """Queues runs of the last hours that became visible late, as out of a long transaction."""
    await database.execute(QUERIES["enlist_missed"], now - _MISSED, now)
