"""Access to the dashboard: one password, signed sessions, and limits on failed logins."""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import argon2
from aiohttp import web

from agenciaos_jobs.dashboard.store import access as stored
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.http.auth import constant_time_equals
from agenciaos_jobs.http.public_url import PUBLIC_URL

COOKIE = "agenciaos_session"
SESSION = timedelta(days=7)
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


class Access:
    """Logs users in and out. The shared state is in the database, so that every server accepts a session."""

    def __init__(self, database: Database, clock: Clock, password: str | None) -> None:
        self._database, self._clock, self._password = database, clock, password
        self._hasher = argon2.PasswordHasher()
        self._hash, self._signing_key = "", b""
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
            self._hash = secret = keys.password_hash or ""
        else:
            self._hash, secret = await asyncio.to_thread(self._hasher.hash, self._password), self._password
        self._signing_key = hmac.digest(keys.signing_key, secret.encode(), "sha256")

    async def log_in(self, password: str, address: str) -> str | None:
        """The cookie of a new session, or ``None`` for a wrong password. Raises :class:`LockedOutError`.

        An attempt counts as a failure until the password turns out to be right, so that of many attempts at once no
        more are verified than of as many one after the other.
        """
        now = self._clock.now()
        is_recorded = await stored.record_attempt(self._database, address, now, now - LOCK, ATTEMPTS)
        failures = await stored.failures(self._database, address, now - LOCK)
        if not is_recorded or failures.own > ATTEMPTS:
            raise LockedOutError((failures.first or now) + LOCK)
        if failures.everyone > CROWD:
            async with self._slowed:
                await asyncio.sleep(PACE)
        async with self._hashing:
            is_right = await asyncio.to_thread(self._verify, password)
        if not is_right:
            return None
        await stored.clear_failures(self._database, address)
        session_id, expires = self._clock.new_id("session"), int((now + SESSION).timestamp())
        return f"{session_id}.{expires}.{self._sign(session_id, expires)}"

    async def session(self, cookie: str) -> Session | None:
        """The session of a cookie; ``None`` once it has ended or where the cookie is invalid.

        Only a cookie with our signature costs a query.
        """
        session_id, _, rest = cookie.partition(".")
        expires, _, signature = rest.partition(".")
        if not expires.isascii() or not expires.isdecimal() or len(expires) > 12:
            return None
        if not constant_time_equals(signature, self._sign(session_id, int(expires))):
            return None
        expires_at = datetime.fromtimestamp(int(expires), UTC)
        if expires_at <= self._clock.now() or await stored.has_ended(self._database, session_id):
            return None
        return Session(session_id, expires_at, self._digest(f"form:{session_id}"))

    async def log_out(self, session: Session) -> None:
        await stored.end_session(self._database, session.id, session.expires_at, self._clock.now())

    def _verify(self, given: str) -> bool:
        try:
            return self._hasher.verify(self._hash, given)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def _sign(self, session_id: str, expires: int) -> str:
        return self._digest(f"session:{session_id}:{expires}")

    def _digest(self, text: str) -> str:
        """An HMAC whose key includes the password, so that a new password ends every session."""
        return hmac.digest(self._signing_key, text.encode("utf-8", "surrogateescape"), "sha256").hex()


ACCESS = web.AppKey("access", Access)


def is_secure(request: web.BaseRequest) -> bool:
    """Whether the browser's connection uses TLS, to this server or to a proxy in front of it."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip() == "https"


def is_same_origin(request: web.Request) -> bool:
    """Whether the browser reports that one of our own pages sent the request; other clients report nothing."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] in {request.host, request.app[PUBLIC_URL].authority}
