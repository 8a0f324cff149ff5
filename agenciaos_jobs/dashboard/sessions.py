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

COOKIE = "agenciaos_session"
SESSION = timedelta(days=7)
LOCK = timedelta(minutes=15)
ATTEMPTS = 5
ATTEMPTS_OF_EVERYONE = 100


class LockedOutError(Exception):
    """Too many wrong passwords; no password is verified before ``until``."""

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
        self._given_hash: str | None = None
        self._hashing = asyncio.Semaphore(2)

    async def open(self, announce: Callable[[str], None]) -> None:
        """Prepares the first login. Without a configured password, generates one once and passes it to ``announce``."""
        await stored.open_access(self._database, secrets.token_bytes(32))
        if self._password is not None:
            self._given_hash = await asyncio.to_thread(self._hasher.hash, self._password)
            return
        if (await stored.read_keys(self._database, "")).password_hash is None:
            made = secrets.token_urlsafe(12)
            if await stored.store_password_once(self._database, await asyncio.to_thread(self._hasher.hash, made)):
                announce(made)

    async def log_in(self, password: str, address: str) -> str | None:
        """The cookie of a new session, or ``None`` for a wrong password. Raises :class:`LockedOutError`."""
        now = self._clock.now()
        failures = await stored.failures(self._database, address, now - LOCK)
        if failures.own >= ATTEMPTS or failures.everyone >= ATTEMPTS_OF_EVERYONE:
            raise LockedOutError((failures.first or now) + LOCK)
        keys = await stored.read_keys(self._database, "")
        async with self._hashing:
            is_right = await asyncio.to_thread(self._verify, self._given_hash or keys.password_hash or "", password)
        if not is_right:
            await stored.add_failure(self._database, address, now, now - LOCK)
            return None
        await stored.clear_failures(self._database, address)
        session_id, expires_at = self._clock.new_id("session"), now + SESSION
        return f"{session_id}.{int(expires_at.timestamp())}.{self._sign(keys, session_id, int(expires_at.timestamp()))}"

    async def session(self, cookie: str) -> Session | None:
        """The session of a cookie; ``None`` once it has ended or where the cookie is invalid."""
        session_id, _, rest = cookie.partition(".")
        expires, _, signature = rest.partition(".")
        if not expires.isascii() or not expires.isdecimal() or len(expires) > 12:
            return None
        expires_at = datetime.fromtimestamp(int(expires), UTC)
        if expires_at <= self._clock.now():
            return None
        keys = await stored.read_keys(self._database, session_id)
        if keys.is_over or not constant_time_equals(signature, self._sign(keys, session_id, int(expires))):
            return None
        return Session(session_id, expires_at, self._digest(keys, f"form:{session_id}"))

    async def log_out(self, session: Session) -> None:
        await stored.end_session(self._database, session.id, session.expires_at, self._clock.now())

    def _verify(self, known: str, given: str) -> bool:
        try:
            return self._hasher.verify(known, given)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def _sign(self, keys: stored.Keys, session_id: str, expires: int) -> str:
        return self._digest(keys, f"session:{session_id}:{expires}")

    def _digest(self, keys: stored.Keys, text: str) -> str:
        """An HMAC whose key includes the password, so that a new password ends every session."""
        password = self._password if self._password is not None else keys.password_hash or ""
        key = hmac.digest(keys.signing_key, password.encode(), "sha256")
        return hmac.digest(key, text.encode("utf-8", "surrogateescape"), "sha256").hex()


ACCESS = web.AppKey("access", Access)


def is_secure(request: web.BaseRequest) -> bool:
    """Whether the browser's connection uses TLS, to this server or to a proxy in front of it."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip() == "https"


def is_same_origin(request: web.BaseRequest) -> bool:
    """Whether the browser reports that one of our own pages sent the request; other clients report nothing."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host
