"""The delayed runs of debounce keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agenciaos_jobs.engine.model.run import NewRun, QueuedRun
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_LIFE = timedelta(days=1)


@dataclass(frozen=True)
class Held:
    """The run of a key, and when it was first triggered."""

    run_id: str
    first_at: datetime


async def hold(connection: Connection, task: str, key: str, run_id: str, now: datetime) -> Held:
    """The run that has the key, which is ``run_id`` if it was free. The key is locked for the transaction."""
    record = await connection.fetchrow(QUERIES["hold"], task, key, run_id, now)
    assert record is not None
    return Held(**record)


async def replace(connection: Connection, task: str, key: str, run_id: str, now: datetime) -> None:
    """Gives the key to another run."""
    await connection.execute(QUERIES["replace"], task, key, run_id, now)


async def push_back(connection: Connection, run_id: str, due_at: datetime, now: datetime) -> QueuedRun | None:
    """Delays a delayed run until ``due_at``; ``None`` for a run that is not delayed any more."""
    record = await connection.fetchrow(QUERIES["push_back"], run_id, due_at, now)
    return QueuedRun(**record) if record else None


async def overwrite(connection: Connection, run_id: str, new: NewRun) -> None:
    """Gives a run the data of a later trigger."""
    limits = (new.max_attempts, new.max_duration, new.agency_id, new.concurrency_key, new.concurrency_limit)
    await connection.execute(QUERIES["overwrite"], run_id, new.payload, new.metadata, list(new.tags), *limits)


async def drop_old(executor: Executor, now: datetime) -> None:
    """Deletes keys whose run is not delayed any more."""
    await executor.execute(QUERIES["drop_old"], now - _LIFE)
