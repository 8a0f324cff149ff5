"""Wait tokens and the runs that wait for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from agenciaos_jobs.foundation.database import Connection, Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

RETENTION = timedelta(days=100)
"""How long a token is kept after it was completed, has timed out, or was created without a timeout."""


class TokenStatus(StrEnum):
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    TIMED_OUT = "TIMED_OUT"


@dataclass(frozen=True)
class WaitToken:
    """A wait token. ``output`` is what it was completed with, any JSON value."""

    id: str
    idempotency_key: str | None
    key_expires_at: datetime | None
    tags: list[str]
    created_at: datetime
    timeout_at: datetime | None
    completed_at: datetime | None
    output: Any

    def status(self, now: datetime) -> TokenStatus:
        if self.completed_at is not None:
            return TokenStatus.COMPLETED
        return TokenStatus.TIMED_OUT if self.timeout_at and self.timeout_at <= now else TokenStatus.WAITING


@dataclass(frozen=True)
class TokenFilter:
    """What a list of tokens is narrowed to; ``None`` for no limit."""

    statuses: Sequence[str] | None = None
    idempotency_key: str | None = None
    tags: Sequence[str] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


async def create(database: Database, new: WaitToken) -> WaitToken:
    """Stores a token, or returns the one that holds its idempotency key."""
    async with database.transaction() as connection:
        if new.idempotency_key:
            await connection.execute(QUERIES["release_key"], new.idempotency_key, new.created_at)
        values = (new.id, new.idempotency_key, new.key_expires_at, new.tags, new.created_at, new.timeout_at)
        record = await connection.fetchrow(QUERIES["create"], *values)
    assert record is not None
    return WaitToken(**record)


async def get(executor: Executor, token_id: str) -> WaitToken | None:
    record = await executor.fetchrow(QUERIES["get"], token_id)
    return WaitToken(**record) if record else None


async def wait(executor: Executor, token_id: str, run_id: str, until: datetime | None) -> datetime | None:
    """Registers a run as waiting; returns until when, which its first registration decides."""
    ends_at: datetime | None = await executor.fetchval(QUERIES["wait"], token_id, run_id, until)
    return ends_at


async def complete(connection: Connection, token_id: str, now: datetime, output: str) -> bool:
    """Completes a token with encoded JSON; false if it is not waiting any more."""
    return bool(await connection.fetchval(QUERIES["complete"], token_id, now, output))


async def waiting_runs(executor: Executor, token_id: str) -> list[str]:
    return [record["run_id"] for record in await executor.fetch(QUERIES["waiting_runs"], token_id)]


async def page(
    executor: Executor, wanted: TokenFilter, now: datetime, size: int, after: str | None, before: str | None
) -> list[WaitToken]:
    """Up to ``size`` tokens, newest first: those older than ``after``, or the next ones newer than ``before``."""
    records = await executor.fetch(
        QUERIES["page"],
        wanted.statuses,
        now,
        wanted.idempotency_key,
        wanted.tags,
        wanted.created_from,
        wanted.created_to,
        after,
        before,
        size,
    )
    return sorted((WaitToken(**record) for record in records), key=lambda token: token.id, reverse=True)


async def drop_old(executor: Executor, now: datetime) -> None:
    await executor.execute(QUERIES["drop_old"], now - RETENTION)
