"""What servers share so that one login opens the dashboard of all of them."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Keys:
    """What sessions are signed with, the generated password's hash, and whether the session asked about was ended."""

    signing_key: bytes
    password_hash: str | None
    is_over: bool


@dataclass(frozen=True)
class Failures:
    """Failed logins of late: everyone's, one address's own, and when the first of those was."""

    everyone: int
    own: int
    first: datetime | None


async def open_access(executor: Executor, signing_key: bytes) -> None:
    """Keeps the key to sign with, unless a server has done so already."""
    await executor.execute(QUERIES["open"], signing_key)


async def take_password(executor: Executor, password_hash: str) -> bool:
    """Keeps a generated password, unless there is one; tells whether it was kept."""
    return bool(await executor.fetchval(QUERIES["take_password"], password_hash))


async def look(executor: Executor, session_id: str) -> Keys:
    record = await executor.fetchrow(QUERIES["look"], session_id)
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


async def forgive(executor: Executor, address: str) -> None:
    """Forgets an address's failures once it has logged in."""
    await executor.execute(QUERIES["forgive"], address)
