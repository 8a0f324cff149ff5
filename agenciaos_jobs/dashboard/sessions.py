"""Access to the dashboard: a shared password, named users, signed sessions, and limits on failed logins."""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import argon2
from aiohttp import web

from agenciaos_jobs.dashboard.store import access as stored
from agenciaos_jobs.dashboard.store.access import OpenSession
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.http.auth import constant_time_equals
from agenciaos_jobs.http.public_url import PUBLIC_URL
from agenciaos_jobs.people.openid import OpenID
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.store import users
from agenciaos_jobs.people.store.users import Account
from agenciaos_jobs.people.users import SHARED, is_valid, normalized

COOKIE = "agenciaos_session"
SESSION = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=5)
"""How often the use of a session is recorded."""
LOCK = timedelta(minutes=15)
ATTEMPTS = 5
"""Wrong passwords in :data:`LOCK` that lock an address out."""

CROWD = 100
"""Wrong passwords in :data:`LOCK`, of all addresses, that slow down every address's next one."""
PACE = 1.0
"""Seconds between two passwords that a server verifies while logins are slowed down."""
HASHINGS = 2
"""Passwords that a server verifies at once. Each takes a core for some 50 ms, and 64 MB."""


class LockedOutError(Exception):
    """Too many wrong passwords from an address; none of its passwords is verified before ``until``."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"until {until.isoformat()}")
        self.until = until


@dataclass(frozen=True)
class Session:
    """A login. Its forms must carry ``csrf``."""

    id: str
    expires_at: datetime
    csrf: str
    user: str
    role: Role


class Access:
    """Logs users in and out. The shared state is in the database, so that every server accepts a session."""

    def __init__(self, database: Database, clock: Clock, password: str | None) -> None:
        self._database, self._clock, self._password = database, clock, password
        self._hasher = argon2.PasswordHasher()
        self._shared, self._signing_key, self._users_key = Account(SHARED, Role.ADMIN, ""), b"", b""
        self._hashing, self._slowed = asyncio.Semaphore(HASHINGS), asyncio.Lock()

    async def open(self, announce: Callable[[str], None]) -> None:
        """Prepares the first login. Without a configured password, generates one once and passes it to ``announce``."""
        await stored.open_access(self._database, secrets.token_bytes(32))
        keys = await stored.read_keys(self._database)
        if self._password is None and keys.password_hash is None:
            made = secrets.token_urlsafe(12)
            if await stored.store_password_once(self._database, await asyncio.to_thread(self._hasher.hash, made)):
                announce(made)
            keys = await stored.read_keys(self._database)
        if self._password is None:
            known = secret = keys.password_hash or ""
        else:
            known, secret = "", self._password
        self._shared = replace(self._shared, password_hash=known)
        self._signing_key = hmac.digest(keys.signing_key, secret.encode(), "sha256")
        self._users_key = hmac.digest(keys.signing_key, b"users", "sha256")

    async def has_users(self) -> bool:
        """Whether anybody logs in by name."""
        return await users.any_enabled(self._database)

    async def log_in(self, name: str, password: str, address: str) -> tuple[Account, str] | None:
        """The account and the cookie of a new session, or ``None`` for a wrong password or name.

        Without a name, the password is the shared one. Raises :class:`LockedOutError`. An attempt counts as a failure
        until the password turns out to be right, so that of many attempts at once no more are verified than of as many
        one after the other.
        """
        await self._hash_configured()
        account = await self._account(normalized(name))
        await self._admit(account.name if account else "", address)
        async with self._hashing:
            # A name that does not exist takes as long as one that does.
            is_right = await asyncio.to_thread(self._verify, account or self._shared, password)
        if not is_right or account is None:
            return None
        await stored.clear_failures(self._database, address, account.name)
        cookie = await self._open_session(account, address)
        return (account, cookie) if cookie else None

    async def _hash_configured(self) -> None:
        """Hashes the configured password at the first login, because it takes too long for every start."""
        if self._shared.password_hash or self._password is None:
            return
        async with self._hashing:
            if not self._shared.password_hash:
                known = await asyncio.to_thread(self._hasher.hash, self._password)
                self._shared = replace(self._shared, password_hash=known)

    async def log_in_vouched(self, name: str, address: str) -> tuple[Account, str] | None:
        """As :meth:`log_in`, for whom an identity provider vouches. New users are viewers, disabled ones ``None``."""
        account = await users.found_or_added(self._database, name, self._clock.now()) if is_valid(name) else None
        cookie = await self._open_session(account, address) if account else None
        return (account, cookie) if account and cookie else None

    async def _account(self, name: str) -> Account | None:
        if name in {"", SHARED}:
            return self._shared
        found = await users.enabled(self._database, name)
        return found if found and found.password_hash != users.UNUSABLE else None

    async def _admit(self, name: str, address: str) -> None:
        """Records the attempt, and waits for its turn. Raises :class:`LockedOutError`."""
        now = self._clock.now()
        is_recorded = await stored.record_attempt(self._database, address, name, now, now - LOCK, ATTEMPTS)
        failures = await stored.failures(self._database, address, now - LOCK)
        if not is_recorded or failures.own > ATTEMPTS:
            raise LockedOutError((failures.first or now) + LOCK)
        if failures.everyone > CROWD:
            async with self._slowed:
                await asyncio.sleep(PACE)

    async def _open_session(self, account: Account, address: str) -> str | None:
        """The cookie; ``None`` if the password was changed meanwhile."""
        now = self._clock.now()
        session_id, expires = self._clock.new_id("session"), int((now + SESSION).timestamp())
        opened = OpenSession(session_id, account.name, address, now, now, datetime.fromtimestamp(expires, UTC))
        is_named = account.name != SHARED
        if not await stored.open_session(self._database, opened, account.password_hash if is_named else None):
            return None
        return f"{session_id}.{expires}.{self._sign(session_id, expires, is_named=is_named)}"

    async def session(self, cookie: str) -> Session | None:
        """The session of a cookie; ``None`` once it has ended or where the cookie is invalid.

        Only a cookie with our signature costs a query.
        """
        session_id, _, rest = cookie.partition(".")
        expires, _, signature = rest.partition(".")
        if not expires.isascii() or not expires.isdecimal() or len(expires) > 12:
            return None
        is_named = constant_time_equals(signature, self._sign(session_id, int(expires), is_named=True))
        is_shared = constant_time_equals(signature, self._sign(session_id, int(expires), is_named=False))
        if not (is_named or is_shared):
            return None
        now, expires_at = self._clock.now(), datetime.fromtimestamp(int(expires), UTC)
        if expires_at <= now:
            return None
        state = await stored.session(self._database, session_id)
        user, role = (state.user_name, state.role) if is_named else (SHARED, Role.ADMIN)
        if state.has_ended or user is None or role is None:
            return None
        if state.seen_at and now - state.seen_at > SEEN_EVERY:
            await stored.touch(self._database, session_id, now)
        return Session(session_id, expires_at, self._form_token(session_id, is_named=is_named), user, role)

    async def open_sessions(self, limit: int) -> list[OpenSession]:
        """The sessions that were used last."""
        return await stored.open_sessions(self._database, self._clock.now(), limit)

    async def end(self, session_id: str) -> bool:
        """Ends a session at every server; returns whether it was among the open ones."""
        now = self._clock.now()
        return await stored.end_session(self._database, session_id, now + SESSION, now)

    def _verify(self, account: Account, given: str) -> bool:
        try:
            return self._hasher.verify(account.password_hash, given)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def _sign(self, session_id: str, expires: int, *, is_named: bool) -> str:
        """The signature of a cookie. A named user's differs, so that an older release takes it for nobody's."""
        return self._digest(f"{'user' if is_named else 'session'}:{session_id}:{expires}", is_named=is_named)

    def _form_token(self, session_id: str, *, is_named: bool) -> str:
        return self._digest(f"form:{session_id}", is_named=is_named)

    def _digest(self, text: str, *, is_named: bool) -> str:
        """An HMAC. For the shared password its key includes the password, so that a new one ends its sessions."""
        key = self._users_key if is_named else self._signing_key
        return hmac.digest(key, text.encode("utf-8", "surrogateescape"), "sha256").hex()


ACCESS = web.AppKey("access", Access)
OPENID: web.AppKey[OpenID | None] = web.AppKey("openid")
"""The identity provider; ``None`` if none is set."""


def is_secure(request: web.BaseRequest) -> bool:
    """Whether the browser's connection uses TLS, to this server or to a proxy in front of it."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip() == "https"


def is_same_origin(request: web.Request) -> bool:
    """Whether the browser reports that one of our own pages sent the request; other clients report nothing."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] in {request.host, request.app[PUBLIC_URL].authority}
