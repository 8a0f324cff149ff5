"""Login state that servers share, so that a session is valid on all of them."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Keys:
    """The signing key, and the generated password's hash. Neither changes once it is stored."""

    signing_key: bytes
    password_hash: str | None


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


async def read_keys(executor: Executor) -> Keys:
    record = await executor.fetchrow(QUERIES["read_keys"])
    assert record is not None
    return Keys(**record)


async def has_ended(executor: Executor, session_id: str) -> bool:
    """Whether the session was ended by a logout."""
    return bool(await executor.fetchval(QUERIES["has_ended"], session_id))


async def end_session(executor: Executor, session_id: str, expires_at: datetime, now: datetime) -> None:
    await executor.execute(QUERIES["end_session"], session_id, expires_at, now)


async def failures(executor: Executor, address: str, since: datetime) -> Failures:
    record = await executor.fetchrow(QUERIES["failures"], address, since)
    assert record is not None
    return Failures(**record)


async def record_attempt(executor: Executor, address: str, now: datetime, forget_before: datetime, limit: int) -> bool:
    """Stores an attempt as a failure, unless the address has ``limit`` of them; returns whether it was stored.

    Attempts at the same moment may exceed the limit.
    """
    return bool(await executor.fetchval(QUERIES["record_attempt"], address, now, forget_before, limit))


async def clear_failures(executor: Executor, address: str) -> None:
    """Deletes an address's failures after its login."""
    await executor.execute(QUERIES["clear_failures"], address)
