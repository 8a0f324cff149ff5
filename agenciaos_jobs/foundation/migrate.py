"""Migrations of schema ``jobs``, and its version."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files

import asyncpg

from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_ATTEMPTS = 30
_PAUSE = 2.0
_MOVE_TIMEOUT = timedelta(hours=1).total_seconds()


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


@dataclass(frozen=True)
class MovedMonth:
    """Rows of a table that were moved from its default partition into their month's."""

    table: str
    month: str
    rows: int


async def migrate(connection: Connection, now: datetime, report: Callable[[Migration], None]) -> int:
    """Applies the pending migrations, one transaction each, and prepares the partitions; returns how many it applied.

    Concurrent calls are safe.

    Raises :class:`SchemaError` if a table stays locked for minutes.
    """
    async with connection.transaction():
        await connection.execute(QUERIES["lock"])
        await connection.execute(QUERIES["prepare"])
    applied = 0
    for migration in packaged():
        if await _apply_with_retries(connection, migration, now):
            report(migration)
            applied += 1
    await ensure_partitions(connection, now)
    await move_strays(connection)
    return applied


async def _apply_with_retries(connection: Connection, migration: Migration, now: datetime) -> bool:
    """Applies a pending migration; retries while its tables are in use."""
    for _ in range(_ATTEMPTS):
        try:
            return await _apply(connection, migration, now)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(_PAUSE)
    text = f"migration {migration.version:04} {migration.name} found its tables in use, {_ATTEMPTS} times"
    raise SchemaError(f"{text}: end the long transaction (see pg_stat_activity) and run `agenciaos-jobs migrate` again")


async def _apply(connection: Connection, migration: Migration, now: datetime) -> bool:
    """Applies a pending migration, after locking all the tables that it names.

    A wait for a table lock blocks everyone who comes later, and a wait while holding another lock may deadlock with the
    running service. So the wait is short, and the migration itself waits for no further lock.
    """
    async with connection.transaction():
        await connection.execute(QUERIES["lock"])
        if await connection.fetchval(QUERIES["is_applied"], migration.version):
            return False
        await connection.execute(QUERIES["limit_lock_wait"])
        if lock_statement := await connection.fetchval(QUERIES["lock_statement"], migration.sql):
            await connection.execute(lock_statement)
        await connection.execute(migration.sql)
        await connection.execute(QUERIES["record"], migration.version, migration.name, now)
    return True


async def ensure_partitions(executor: Executor, now: datetime) -> int | None:
    """Creates missing partitions for this month and the next three; returns how many.

    ``None`` if a table was in use. A later call will do: the default partitions take what has no month, and
    :func:`move_strays` makes the partition of a month that has rows there.
    """
    try:
        return int(await executor.fetchval(QUERIES["ensure_partitions"], now, 3))
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return None


async def move_strays(connection: Connection) -> list[MovedMonth]:
    """Moves rows from the default partitions into new partitions of their months; returns what it moved.

    One transaction for each month of a table, which locks the table only at its end. A table in use is left for a later
    call. Rows whose id has no time in it stay. Concurrent calls are safe.
    """
    moved = []
    for record in await connection.fetch(QUERIES["stray_months"]):
        table, month = record["parent"], record["month"]
        with suppress(asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            rows = await connection.fetchval(QUERIES["move_month"], table, month, timeout=_MOVE_TIMEOUT)
            moved.append(MovedMonth(table, f"{month:%Y-%m}", rows))
    return moved


async def outside_months(executor: Executor) -> dict[str, int]:
    """How many rows are in the default partition, by table; without the tables that have none there."""
    return {record["parent"]: record["held"] for record in await executor.fetch(QUERIES["outside_months"])}


async def months_missing(executor: Executor, now: datetime) -> list[str]:
    """The names of this month's and the next month's partitions that do not exist."""
    return [record["name"] for record in await executor.fetch(QUERIES["months_missing"], now)]


async def privileges_missing(executor: Executor) -> list[str]:
    """What the current role lacks to use schema ``jobs``, in the words of ``GRANT``."""
    return [record["missing"] for record in await executor.fetch(QUERIES["privileges_missing"])]


async def knows_time_zones(executor: Executor) -> bool:
    """Whether Postgres has the time zone that people see, of which queries make use."""
    return bool(await executor.fetchval(QUERIES["knows_time_zones"]))


async def schema_version(executor: Executor) -> int:
    """The number of the newest migration in the database; 0 for none."""
    try:
        return int(await executor.fetchval(QUERIES["version"]) or 0)
    except asyncpg.UndefinedTableError:
        return 0


async def require_schema(executor: Executor) -> None:
    """Raises :class:`SchemaError` if the schema is too old. A newer one is fine, because deploys overlap."""
    found, needed = await schema_version(executor), packaged()[-1].version
    if found < needed:
        raise SchemaError(f"schema jobs is at version {found} and {needed} is needed: run `agenciaos-jobs migrate`")
