"""Workers and their leases. One lease covers every run a worker executes."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Worker:
    """One worker process."""

    id: str
    host: str
    pid: int
    started_at: datetime


async def synchronise(executor: Executor, clock: Clock) -> None:
    """Has ``clock`` follow the database's."""
    asked_at = clock.now()
    clock.follow(await executor.fetchval(QUERIES["database_time"]), asked_at, clock.now())


async def renew(executor: Executor, worker: Worker, now: datetime, lease_until: datetime) -> None:
    """Says that the worker lives, and holds its runs until ``lease_until``."""
    await executor.execute(QUERIES["renew"], worker.id, worker.host, worker.pid, worker.started_at, now, lease_until)


async def leave(executor: Executor, worker: Worker) -> None:
    """Forgets the worker; whatever it still executes is lost at once."""
    await executor.execute(QUERIES["leave"], worker.id)


async def forget_lost(executor: Executor, now: datetime) -> None:
    """Forgets workers that were lost more than a day ago."""
    await executor.execute(QUERIES["forget_lost"], now)


async def alive(executor: Executor, now: datetime) -> int:
    return int(await executor.fetchval(QUERIES["alive"], now))


async def owned_run_ids(executor: Executor, worker: Worker) -> set[str]:
    """The ids of the runs that the database has this worker execute."""
    return {record["id"] for record in await executor.fetch(QUERIES["owned_run_ids"], worker.id)}


async def mark_lost(executor: Executor, worker: Worker, run_ids: list[str]) -> None:
    """Declares runs lost that this worker has in the database but does not execute."""
    await executor.execute(QUERIES["mark_lost"], worker.id, run_ids)


async def terminate_backends_of_expired(executor: Executor, now: datetime) -> int:
    """Ends what workers whose lease ran out were in the middle of before that; returns how many transactions.

    A process that is frozen keeps what its transactions have locked. Postgres ends one that is idle by itself, but not
    one that waits for the rest of a statement, nor soon one that another of the same process had wait until then.
    """
    return int(await executor.fetchval(QUERIES["terminate_backends_of_expired"], now))


async def try_maintenance_lock(connection: Connection) -> bool:
    """Whether this transaction, and no other one at the time, may repair what other workers left."""
    return bool(await connection.fetchval(QUERIES["try_maintenance_lock"]))
