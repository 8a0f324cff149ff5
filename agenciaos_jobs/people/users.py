"""Named users: their names, passwords and roles."""

import asyncio
import re

import argon2

from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.store import users as stored
from agenciaos_jobs.people.store.users import Account

SHARED = "dashboard"
"""The name of whoever logs in with ``DASHBOARD_PASSWORD``. No user can have it."""

MIN_PASSWORD = 12
MAX_PASSWORD = 1_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,79}")


class InvalidNameError(DomainError):
    """A name that no user can have."""

    status = 422
    text = Text(
        f"Nome inválido: letras sem acento, números e . _ @ + -, até 80, e não {SHARED}",
        f"Invalid name: letters without accents, digits and . _ @ + -, up to 80, and not {SHARED}",
    )


class WeakPasswordError(DomainError):
    """A password that is too short, or longer than the service hashes."""

    status = 422
    text = Text(
        f"A senha deve ter de {MIN_PASSWORD} a {MAX_PASSWORD} caracteres",
        f"The password must have {MIN_PASSWORD} to {MAX_PASSWORD} characters",
    )


class UserExistsError(DomainError):
    """An enabled user has this name."""

    status = 409
    text = Text("Este usuário já existe", "This user exists already")


class UnknownUserError(DomainError):
    """No enabled user has this name."""

    status = 404
    text = Text("Usuário não encontrado", "User not found")


def normalized(name: str) -> str:
    """A name as it is stored: people may type capitals."""
    return name.strip().lower()


def is_valid(name: str) -> bool:
    """Whether a user can have this name."""
    return bool(_NAME.fullmatch(name)) and name != SHARED


class Users:
    """Adds and disables users. A changed password, or being disabled, ends the user's sessions at every server."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._hasher = argon2.PasswordHasher()

    async def add(self, name: str, role: Role, password: str) -> str:
        """Adds a user, or enables a disabled one again; returns the stored name."""
        name = normalized(name)
        if not is_valid(name):
            raise InvalidNameError(name)
        account = Account(name, role, await self._hash(password))
        if not await stored.add(self._database, account, self._clock.now()):
            raise UserExistsError(name)
        return name

    async def change_password(self, name: str, password: str) -> None:
        name = normalized(name)
        if not await stored.change_password(self._database, name, await self._hash(password)):
            raise UnknownUserError(name)

    async def change_role(self, name: str, role: Role) -> None:
        name = normalized(name)
        if not await stored.change_role(self._database, name, role):
            raise UnknownUserError(name)

    async def disable(self, name: str) -> None:
        name = normalized(name)
        if not await stored.disable(self._database, name, self._clock.now()):
            raise UnknownUserError(name)

    async def _hash(self, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise WeakPasswordError
        return await asyncio.to_thread(self._hasher.hash, password)
