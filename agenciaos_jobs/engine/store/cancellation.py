"""Cancels runs."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Canceled:
    """A canceled run, and its status before."""

    task: str
    status_before: Status
    concurrency_key: str | None


async def cancel(connection: Connection, run_id: str, now: datetime) -> Canceled | None:
    """Cancels a run; ``None`` if it has ended, or there is none.

    Raises asyncpg's ``LockNotAvailableError`` if the row stays locked for half a second.
    """
    await connection.execute(QUERIES["limit_lock_wait"])
    record = await connection.fetchrow(QUERIES["cancel"], run_id, now)
    return Canceled(record["task"], Status(record["status_before"]), record["concurrency_key"]) if record else None


async def interrupt_completion(executor: Executor, run_id: str) -> int:
    """Terminates the transaction that completes the run with a job's effect; returns how many there were."""
    return int(await executor.fetchval(QUERIES["interrupt_completion"], run_id))
