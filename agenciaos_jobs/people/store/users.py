"""Rows of named users."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.people.role import Role

QUERIES = load(__name__)


UNUSABLE = "!"
"""The hash of users who log in at the identity provider only: no password has it."""


@dataclass(frozen=True)
class Account:
    """What a login is checked against. ``password_hash`` is argon2's encoded form."""

    name: str
    role: Role
    password_hash: str


@dataclass(frozen=True)
class User:
    """A user as lists show it."""

    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


async def add(executor: Executor, account: Account, now: datetime) -> bool:
    """Adds a user or enables a disabled one; returns false if there is an enabled one of this name."""
    values = account.name, account.role, account.password_hash, now
    return bool(await executor.fetchval(QUERIES["add"], *values))


async def change_password(executor: Executor, name: str, password_hash: str) -> bool:
    """Replaces the password and ends the user's sessions; returns whether there is such a user."""
    return bool(await executor.fetchval(QUERIES["change_password"], name, password_hash))


async def disable(executor: Executor, name: str, now: datetime) -> bool:
    """Disables the user and ends their sessions; returns whether there was such an enabled user."""
    return bool(await executor.fetchval(QUERIES["disable"], name, now))


async def enabled(executor: Executor, name: str) -> Account | None:
    record = await executor.fetchrow(QUERIES["enabled"], name)
    return Account(record["name"], Role(record["role"]), record["password_hash"]) if record else None


async def found_or_added(executor: Executor, name: str, now: datetime) -> Account | None:
    """The user, added as a viewer without a password if there is none; ``None`` for a disabled one."""
    await executor.execute(QUERIES["add_viewer"], name, UNUSABLE, now)
    return await enabled(executor, name)


async def change_role(executor: Executor, name: str, role: Role) -> bool:
    """Changes what the user may do from the next request on; returns whether there is such a user."""
    return bool(await executor.fetchval(QUERIES["change_role"], name, role))


async def any_enabled(executor: Executor) -> bool:
    return bool(await executor.fetchval(QUERIES["any_enabled"]))


async def everyone(executor: Executor) -> list[User]:
    """All users, the disabled ones last."""
    return [User(**{**record, "role": Role(record["role"])}) for record in await executor.fetch(QUERIES["all"])]
