"""Who listens for changed runs. While nobody does, a change tells nobody."""

from datetime import timedelta

from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

CHANNEL = "agenciaos_jobs_runs"
"""Carries the ids of changed runs with commas between them, ``*`` for too many, or the id of a watcher."""

ANYTHING = "*"


async def renew(connection: Connection, watcher_id: str, lease: timedelta) -> bool:
    """Has changes told from now on and for ``lease``; whether they were told all along.

    The watcher's id comes back over the channel, so that it knows that it can hear.
    """
    return bool(await connection.fetchval(QUERIES["renew"], watcher_id, lease, CHANNEL))


async def leave(connection: Connection, watcher_id: str) -> None:
    await connection.execute(QUERIES["leave"], watcher_id)


async def next_transaction(connection: Connection) -> str:
    """A mark that is after every transaction that has begun to write."""
    mark: str = await connection.fetchval(QUERIES["next_transaction"])
    return mark


async def all_ended_before(connection: Connection, mark: str) -> bool:
    """Whether every transaction before the mark is over."""
    return bool(await connection.fetchval(QUERIES["all_ended_before"], mark))
