"""Login state that servers share, so that a session is valid on all of them."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Keys:
    """The signing key, the generated password's hash, and whether the given session was ended."""

    signing_key: bytes
    password_hash: str | None
    is_over: bool


@dataclass(frozen=True)
class Failures:
    """Recent failed logins: from all addresses, from one address, and the time of that address's first one."""

    everyone: int
    own: int
    first: datetime | None


async def open_access(executor: Executor, signing_key: bytes) -> None:
    """Stores the signing key, unless a server has done so already."""
    await executor.execute(QUERIES["open"], signing_key)


async def store_password_once(executor: Executor, password_hash: str) -> bool:
    """Stores a generated password's hash, unless there is one; returns whether it was stored."""
    return bool(await executor.fetchval(QUERIES["store_password_once"], password_hash))


async def read_keys(executor: Executor, session_id: str) -> Keys:
    record = await executor.fetchrow(QUERIES["read_keys"], session_id)
    assert record is not None
    return Keys(**record)


async def end_session(executor: Executor, session_id: str, expires_at: datetime, now: datetime) -> None:
    await executor.execute(QUERIES["end_session"], session_id, expires_at, now)


async def failures(executor: Executor, address: str, since: datetime) -> Failures:
    record = await executor.fetchrow(QUERIES["failures"], address, since)
    assert record is not None
    return Failures(**record)


async def add_failure(executor: Executor, address: str, now: datetime, forget_before: datetime) -> None:
    await executor.execute(QUERIES["add_failure"], address, now, forget_before)


async def clear_failures(executor: Executor, address: str) -> None:
    """Deletes an address's failures after its login."""
    await executor.execute(QUERIES["clear_failures"], address)
