"""Changes to a stored run: its cancellation, metadata and tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Changeable:
    """The changeable fields of a run."""

    metadata: Json | None
    tags: list[str]


async def hold(connection: Connection, run_id: str) -> Changeable | None:
    """Reads the changeable fields of a run and locks its row for the transaction."""
    record = await connection.fetchrow(QUERIES["hold"], run_id)
    return Changeable(**record) if record else None


async def set_metadata(connection: Connection, run_id: str, metadata: Json, now: datetime) -> None:
    await connection.execute(QUERIES["set_metadata"], run_id, metadata, now)


async def set_tags(connection: Connection, run_id: str, tags: Sequence[str], now: datetime) -> None:
    """Replaces the tags by ``tags``, which must include all existing ones."""
    await connection.execute(QUERIES["set_tags"], run_id, list(tags), now)


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
