"""Login state that servers share, so that a session is valid on all of them."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.people.role import Role

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


@dataclass(frozen=True)
class OpenSession:
    """A session that has not ended. ``seen_at`` is its last request, to within five minutes."""

    id: str
    user_name: str
    address: str
    opened_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class SessionState:
    """What is stored of a session: nothing but ``has_ended`` if it has no row, no role without an enabled user."""

    has_ended: bool
    user_name: str | None
    seen_at: datetime | None
    role: Role | None


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


async def open_session(executor: Executor, session: OpenSession, password_hash: str | None) -> bool:
    """Stores a session; of a named user only if their password still has the hash. Returns whether it was stored."""
    values = session.id, session.user_name, session.address, session.opened_at, session.expires_at, password_hash
    return bool(await executor.fetchval(QUERIES["open_session"], *values))


async def session(executor: Executor, session_id: str) -> SessionState:
    record = await executor.fetchrow(QUERIES["session"], session_id)
    assert record is not None
    return SessionState(**{**record, "role": Role(record["role"]) if record["role"] else None})


async def touch(executor: Executor, session_id: str, now: datetime) -> None:
    """Records that the session was used."""
    await executor.execute(QUERIES["touch"], session_id, now)


async def open_sessions(executor: Executor, now: datetime, limit: int) -> list[OpenSession]:
    """The sessions that were used last."""
    return [OpenSession(**record) for record in await executor.fetch(QUERIES["open_sessions"], now, limit)]


async def end_session(executor: Executor, session_id: str, expires_at: datetime, now: datetime) -> bool:
    """Ends a session that would expire then; returns whether it was among the open ones."""
    return bool(await executor.fetchval(QUERIES["end_session"], session_id, expires_at, now))


async def failures(executor: Executor, address: str, since: datetime) -> Failures:
    record = await executor.fetchrow(QUERIES["failures"], address, since)
    assert record is not None
    return Failures(**record)


async def record_attempt(
    executor: Executor, address: str, user_name: str, now: datetime, forget_before: datetime, limit: int
) -> bool:
    """Stores an attempt as a failure, unless the address has ``limit`` of them; returns whether it was stored.

    Attempts at the same moment may exceed the limit.
    """
    return bool(await executor.fetchval(QUERIES["record_attempt"], address, now, forget_before, limit, user_name))


async def clear_failures(executor: Executor, address: str, user_name: str) -> None:
    """Deletes an address's failures at this user. Those at others stay, or users could guess between logins."""
    await executor.execute(QUERIES["clear_failures"], address, user_name)
