"""Attacks on the login, and on the cookie of a session."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import argon2
import asyncpg
import pytest
from support.browsing import PASSWORD, logged_in, stranger
from support.clock import FrozenClock
from support.service import running_server

from agenciaos_jobs.dashboard import sessions
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER = {"X-Forwarded-For": "203.0.113.7"}


class Hashings:
    """Counts the passwords that are verified: in all, and at most at once."""

    def __init__(self) -> None:
        self.all = self.now = self.most = 0
        self._lock = threading.Lock()

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self.all, self.now = self.all + 1, self.now + 1
            self.most = max(self.most, self.now)
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Behind a proxy."""
    return settings.model_copy(update={"trusted_proxies": 1})


@pytest.fixture
def hashings(monkeypatch: pytest.MonkeyPatch) -> Hashings:
    counter, verify = Hashings(), argon2.PasswordHasher.verify

    def counting(hasher: argon2.PasswordHasher, known: str, given: str) -> bool:
        with counter.counted():
            assert threading.current_thread() is not threading.main_thread()
            return verify(hasher, known, given)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)
    return counter


async def test_of_a_burst_no_more_passwords_are_verified_than_of_a_row(settings: Settings, hashings: Hashings):
    async with running_server(settings, FrozenClock(NOW)) as service, stranger(service) as guesser:
        answers = await asyncio.gather(*(guesser.post("/login", {"password": f"guess {n}"}) for n in range(60)))
        assert {status for status, _ in answers} <= {401, 429}
        assert hashings.all <= sessions.ATTEMPTS
        assert hashings.most <= sessions.HASHINGS
        assert (await guesser.post("/login", {"password": "correct horse"}))[0] == 429
        assert (await guesser.post("/login", {"password": "correct horse"}, **OWNER))[0] == 303


@pytest.mark.slow
async def test_strangers_at_many_addresses_lock_nobody_else_out(
    settings: Settings, db: asyncpg.Connection, hashings: Hashings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sessions, "PACE", 0.01)
    async with running_server(settings, FrozenClock(NOW)) as service, stranger(service) as browser:
        await db.execute(
            "INSERT INTO jobs.dashboard_failures (address, failed_at) "
            "SELECT '198.51.100.' || number % 250, $1 FROM generate_series(1, 1000) AS number",
            NOW - timedelta(minutes=1),
        )
        wrong = (
            browser.post("/login", {"password": "wrong"}, **{"X-Forwarded-For": f"192.0.2.{number}"})
            for number in range(20)
        )
        answers = await asyncio.gather(*wrong, browser.post("/login", {"password": "correct horse"}, **OWNER))
        assert [status for status, _ in answers] == [401] * 20 + [303]
        assert hashings.most <= sessions.HASHINGS


async def test_failures_of_everyone_slow_the_next_password_down(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings, FrozenClock(NOW)) as service, stranger(service) as browser:
        await db.execute(
            "INSERT INTO jobs.dashboard_failures (address, failed_at) "
            "SELECT '198.51.100.' || number, $1 FROM generate_series(1, 100) AS number",
            NOW,
        )
        began = time.monotonic()
        assert (await browser.post("/login", {"password": "correct horse"}, **OWNER))[0] == 303
        assert time.monotonic() - began >= sessions.PACE


@pytest.mark.slow
async def test_a_login_forgets_its_address_s_failures(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings, FrozenClock(NOW)) as service, stranger(service) as browser:
        for _ in range(3):
            for _ in range(4):
                assert (await browser.post("/login", {"password": "wrong"}))[0] == 401
            assert (await browser.post("/login", {"password": "correct horse"}))[0] == 303
        assert await db.fetchval("SELECT count(*) FROM jobs.dashboard_failures") == 0


@pytest.mark.slow
async def test_a_user_guesses_no_other_s_password_between_logins(settings: Settings):
    async with running_server(settings, FrozenClock(NOW)) as service, logged_in(service, "ana") as ana:
        for _ in range(2):
            assert (await ana.post("/login", {"password": "a guess"}))[0] == 401
            assert (await ana.post("/login", {"username": "bia", "password": "a guess"}))[0] == 401
            assert (await ana.post("/login", {"username": "ana", "password": PASSWORD}))[0] == 303
        assert (await ana.post("/login", {"password": "a guess"}))[0] == 401
        assert (await ana.post("/login", {"password": "correct horse"}))[0] == 429
        assert (await ana.post("/login", {"password": "correct horse"}, **OWNER))[0] == 303


async def test_a_name_that_nobody_has_takes_as_long_as_another(settings: Settings, hashings: Hashings):
    async with running_server(settings) as service, stranger(service) as guesser:
        for name in ("nobody", "dashboard", ""):
            assert (await guesser.post("/login", {"username": name, "password": "a guess"}))[0] == 401
        assert hashings.all == 3
        assert (await guesser.post("/login", {"username": "nobody", "password": "correct horse"}))[0] == 401


async def test_a_forged_cookie_costs_no_query(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, stranger(service) as browser:
        await db.execute("ALTER TABLE jobs.dashboard_access RENAME TO access_away")
        await db.execute("ALTER TABLE jobs.dashboard_logouts RENAME TO logouts_away")
        for forged in ("session_1.1999999999.0", "session_1.999999999999.0", "..", "\xff.1999999999.\xff"):
            assert (await browser.get("/runs", Cookie=f"agenciaos_session={forged}"))[0] == 303
