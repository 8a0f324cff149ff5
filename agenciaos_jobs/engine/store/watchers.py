"""Watchers: leases of the processes that listen for changed runs. Without any, changes send no notifications."""

from datetime import timedelta

from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

CHANNEL = "agenciaos_jobs_runs"
"""Carries comma-separated ids of changed runs, ``*`` for too many, or the id of a watcher."""

ANYTHING = "*"


async def renew(connection: Connection, watcher_id: str, lease: timedelta) -> bool:
    """Renews the watcher's lease, so that changes are notified; whether the lease had been held until now.

    Also sends the watcher's id over the channel, as proof that notifications arrive.
    """
    return bool(await connection.fetchval(QUERIES["renew"], watcher_id, lease, CHANNEL))


async def ping(connection: Connection) -> None:
    """Waits for a response."""
    await connection.execute(QUERIES["ping"])


async def notify(executor: Executor, channel: str) -> None:
    """Sends an empty notification."""
    await executor.execute(QUERIES["notify"], channel)


async def leave(connection: Connection, watcher_id: str) -> None:
    await connection.execute(QUERIES["leave"], watcher_id)


async def next_transaction(connection: Connection) -> str:
    """An id higher than that of every transaction that has begun to write."""
    transaction_id: str = await connection.fetchval(QUERIES["next_transaction"])
    return transaction_id


async def all_ended_before(connection: Connection, transaction_id: str) -> bool:
    """Whether every transaction with a lower id has ended."""
    return bool(await connection.fetchval(QUERIES["all_ended_before"], transaction_id))


async def snapshot(executor: Executor) -> str:
    """Which transactions have committed, as a text that differs after any other has."""
    seen: str = await executor.fetchval(QUERIES["snapshot"])
    return seen
