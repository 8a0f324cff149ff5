"""Moves schema ``jobs`` forward, and tells how far it is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

import asyncpg

from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_TRIES = 30
_PAUSE = 2.0


class SchemaError(Exception):
    """The database's schema is older than this program needs."""


@dataclass(frozen=True)
class Migration:
    """One file of ``migrations/``: its number, its name and its SQL."""

    version: int
    name: str
    sql: str


def packaged() -> list[Migration]:
    """The migrations of this program, in order."""
    paths = [path for path in files(__package__).joinpath("migrations").iterdir() if path.name.endswith(".sql")]
    names = sorted(path.name for path in paths)
    texts = {path.name: path.read_text("utf-8") for path in paths}
    return [Migration(int(name[:4]), name[5:-4], texts[name]) for name in names]


async def migrate(connection: Connection, now: datetime, report: Callable[[Migration], None]) -> int:
    """Applies what is missing, a transaction each, and returns how many that were; several may run at once.

    Raises :class:`SchemaError` where somebody keeps a table in use for minutes on end.
    """
    async with connection.transaction():
        await connection.execute(QUERIES["lock"])
        await connection.execute(QUERIES["prepare"])
    applied = 0
    for migration in packaged():
        if await _applied_in_time(connection, migration, now):
            report(migration)
            applied += 1
    await ensure_partitions(connection, now)
    return applied


async def _applied_in_time(connection: Connection, migration: Migration, now: datetime) -> bool:
    """Applies a migration that is missing, unless its tables stay in use."""
    for _ in range(_TRIES):
        try:
            return await _apply(connection, migration, now)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(_PAUSE)
    text = f"migration {migration.version:04} {migration.name} found its tables in use, {_TRIES} times"
    raise SchemaError(f"{text}: end the long transaction (see pg_stat_activity) and run `agenciaos-jobs migrate` again")


async def _apply(connection: Connection, migration: Migration, now: datetime) -> bool:
    """Locks all the tables that the migration names before it changes any.

    Who waits for a table keeps all waiting who come later, and who holds one while waiting for the next may deadlock
    with the service at work. So it waits for a moment only, and waits for nothing once it has begun.
    """
    async with connection.transaction():
        await connection.execute(QUERIES["lock"])
        if await connection.fetchval(QUERIES["is_applied"], migration.version):
            return False
        await connection.execute(QUERIES["hurry"])
        if locking := await connection.fetchval(QUERIES["locking"], migration.sql):
            await connection.execute(locking)
        await connection.execute(migration.sql)
        await connection.execute(QUERIES["record"], migration.version, migration.name, now)
    return True


async def ensure_partitions(executor: Executor, now: datetime) -> int | None:
    """Makes the partitions of this month and the next three that are missing; returns how many that were.

    ``None`` where a table was in use: they are wanted in a month at the soonest, so another time will do.
    """
    try:
        return int(await executor.fetchval(QUERIES["ensure_partitions"], now, 3))
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return None


async def schema_version(executor: Executor) -> int:
    """The number of the newest migration in the database; 0 for none."""
    try:
        return int(await executor.fetchval(QUERIES["version"]) or 0)
    except asyncpg.UndefinedTableError:
        return 0


async def require_schema(executor: Executor) -> None:
    """Raises :class:`SchemaError` where the database is behind. A newer one is fine: deploys overlap."""
    found, needed = await schema_version(executor), packaged()[-1].version
    if found < needed:
        raise SchemaError(f"schema jobs is at version {found} and {needed} is needed: run `agenciaos-jobs migrate`")
