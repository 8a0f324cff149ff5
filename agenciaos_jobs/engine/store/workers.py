"""Workers and their leases. One lease covers every run that a worker executes."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Worker:
    """One worker process. ``slots`` is how many runs it executes at once, ``version`` its release."""

    id: str
    host: str
    pid: int
    started_at: datetime
    slots: int = 1
    version: str = ""


async def synchronise(executor: Executor, clock: Clock) -> None:
    """Synchronises ``clock`` with the database's."""
    asked_at = clock.now()
    clock.follow(await database_time(executor), asked_at, clock.now())


async def database_time(executor: Executor) -> datetime:
    """The database's own clock."""
    moment: datetime = await executor.fetchval(QUERIES["database_time"])
    return moment


async def renew(
    executor: Executor, worker: Worker, now: datetime, lease_until: datetime, memory: int | None = None
) -> bool:
    """Renews the worker's lease on its runs until ``lease_until``; returns whether an operator drains it.

    ``memory`` is the process's resident memory in bytes.
    """
    process = (worker.id, worker.host, worker.pid, worker.started_at, worker.slots, worker.version)
    return bool(await executor.fetchval(QUERIES["renew"], *process, now, lease_until, memory))


async def drain(executor: Executor, worker_id: str, now: datetime, who: str) -> bool:
    """Has a worker start no further run; false if there is no such worker, or it is of a release that cannot."""
    return bool(await executor.fetchval(QUERIES["drain"], worker_id, now, who))


async def end_drain(executor: Executor, worker_id: str) -> bool:
    """Lets a worker start runs again; false if there is no such worker."""
    return bool(await executor.fetchval(QUERIES["end_drain"], worker_id))


async def leave(executor: Executor, worker: Worker) -> None:
    """Deletes the worker; runs that it still executes count as lost at once."""
    await executor.execute(QUERIES["leave"], worker.id)


async def delete_lost(executor: Executor, now: datetime) -> None:
    """Deletes workers that were lost more than a day ago."""
    await executor.execute(QUERIES["delete_lost"], now)


async def alive(executor: Executor, now: datetime) -> int:
    """The number of workers that start runs: their leases hold, and no operator drains them."""
    return int(await executor.fetchval(QUERIES["alive"], now))


async def owned_attempts(executor: Executor, worker: Worker) -> set[tuple[str, int]]:
    """The executing runs that this worker owns in the database: their ids, each with the number of its attempt."""
    return {(record["id"], record["attempt"]) for record in await executor.fetch(QUERIES["owned_attempts"], worker.id)}


async def mark_lost(executor: Executor, worker: Worker, run_ids: list[str]) -> None:
    """Disowns runs that this worker owns but does not execute, so that they are rescued."""
    await executor.execute(QUERIES["mark_lost"], worker.id, run_ids)


async def terminate_backends_of_expired(executor: Executor, now: datetime, rescuer_id: str) -> int:
    """Terminates the transactions that other workers, now expired, began before their leases ran out; returns how many.

    The transactions of a frozen process keep their locks. Postgres itself ends those that are idle, but not one that
    waits for the rest of a statement, and only late one that was blocked by another of the same process.
    """
    return int(await executor.fetchval(QUERIES["terminate_backends_of_expired"], now, rescuer_id))


async def try_maintenance_lock(connection: Connection) -> bool:
    """Takes the rescuer's advisory lock for the transaction; ``False`` if another transaction holds it."""
    return bool(await connection.fetchval(QUERIES["try_maintenance_lock"]))
