"""The pacer: lets calls of an upstream begin as fast as its brake allows, and has the runs of the others wait.

A run that may not call is queued again, without a slot and without an attempt, and the pacer of any worker releases it
when its turn comes. The brake is a row in Postgres. It is read before each call, and written only while a limit or an
outage is known.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from agenciaos_jobs.engine.model.job import GiveUp, Snooze, Waiting
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.pacing import brakes
from agenciaos_jobs.engine.pacing.brake import Brake
from agenciaos_jobs.engine.pacing.headroom import Headroom
from agenciaos_jobs.engine.pacing.upstream import RateLimitedError, UnavailableError, Upstream
from agenciaos_jobs.engine.store import waiting
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database

log = structlog.get_logger("agenciaos_jobs.pacer")

_MOST = 500
_CALL_AGAIN_AFTER = timedelta(minutes=5)
"""When a waiting run tries by itself, should nobody release it."""


T = TypeVar("T")


class Pacer:
    """Shares the upstreams' limits between all runs of all workers."""

    def __init__(self, database: Database, clock: Clock, outbox: RedisOutbox) -> None:
        self._database, self._clock, self._outbox = database, clock, outbox
        # Calls that wait for the row would hold all of the pool's connections.
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def _locked(self, upstream: Upstream) -> AsyncIterator[tuple[Connection, Brake, datetime]]:
        """The upstream's brake, locked, and the time after the wait for the lock.

        A refusal lowers the rate as of that time, so that refusals of calls sent before do not lower it again.
        """
        began = self._clock.now()
        async with self._one_at_a_time, brakes.locked(self._database, upstream.key, began) as (connection, brake):
            yield connection, brake, self._clock.now()

    def calls_of(self, run: ClaimedRun) -> "PacedCalls":
        """The calls of one run."""
        return PacedCalls(self, run, self._clock)

    async def enter(self, upstream: Upstream, run: ClaimedRun, *, is_released: bool) -> None:
        """Returns when the run may call the upstream; raises :class:`Snooze` if it must wait."""
        now = self._clock.now()
        known = await brakes.read(self._database, upstream.key)
        if known and known.is_free(now):
            return
        if known and known.was_waited_for(now) and not known.enter(run.id, is_released=is_released, now=now):
            raise self.wait(upstream, run, known)
        async with self._locked(upstream) as (connection, brake, now):
            entered = brake.enter(run.id, is_released=is_released, now=now)
            await brakes.save(connection, upstream.key, entered or replace(brake, waited_at=now))
        if entered is None:
            raise self.wait(upstream, run, brake)

    async def passed(self, upstream: Upstream, headroom: Headroom | None) -> None:
        """Notes that a call was answered."""
        now = self._clock.now()
        known = await brakes.read(self._database, upstream.key)
        if known is None or not _changes(known, known.passed(headroom, now)):
            return
        async with self._locked(upstream) as (connection, brake, now):
            await brakes.save(connection, upstream.key, brake.passed(headroom, now))
        if known.is_open:
            log.info("upstream_answers_again", upstream=upstream.key)

    async def limited(self, upstream: Upstream, run: ClaimedRun, error: RateLimitedError, sent_at: datetime) -> Snooze:
        """Notes that a call was refused for a limit; returns the run's wait."""
        async with self._locked(upstream) as (connection, before, now):
            brake = replace(before.limited(sent_at, error.after, now), waited_at=now)
            await brakes.save(connection, upstream.key, brake)
        log.info(
            "upstream_limited", upstream=upstream.key, error_code=error.code, rate=brake.rate and round(brake.rate, 3)
        )
        return self.wait(upstream, run, brake)

    async def failed(self, upstream: Upstream, run: ClaimedRun) -> Snooze | None:
        """Notes that the upstream failed; returns the run's wait if the circuit is open."""
        async with self._locked(upstream) as (connection, before, now):
            brake = replace(before.failed(now), waited_at=now)
            await brakes.save(connection, upstream.key, brake)
            if brake.is_open and not before.is_open:
                await waiting.restate(connection, Waiting(upstream.key, upstream.down))
        if not brake.is_open:
            return None
        if not before.is_open:
            log.warning("upstream_down", upstream=upstream.key)
        return self.wait(upstream, run, brake)

    def wait(self, upstream: Upstream, run: ClaimedRun, brake: Brake) -> Snooze:
        """The wait of a run that may not call. Raises :class:`GiveUp` at the upstream's ``wait_limit``."""
        now, reason = self._clock.now(), upstream.down if brake.is_open else upstream.limited
        left = (run.waits_since or now) + upstream.wait_limit - now
        if left <= timedelta():
            minutes = upstream.wait_limit / timedelta(minutes=1)
            limit = f" ({upstream.setting})" if upstream.setting else ""
            message = f"the run waited {minutes:g} minutes for {upstream.label}{limit}: {reason.en}"
            raise GiveUp(upstream.limit_code, message, details={"reason": reason.pt})
        return Snooze(min(left, _CALL_AGAIN_AFTER), Waiting(upstream.key, reason))

    async def release(self) -> None:
        """Releases the runs with a turn in the next seconds. One worker at a time does so for an upstream."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            for key, brake in (await brakes.lock_waited_for(connection, now - 2 * _CALL_AGAIN_AFTER)).items():
                await self._release(connection, key, brake, now)

    async def _release(self, connection: Connection, key: str, brake: Brake, now: datetime) -> None:
        turns = [self._jittered(turn, brake) for turn in brake.turns(now, _MOST)]
        released = await waiting.release(connection, key, turns) if turns else []
        if not released:
            return
        await brakes.save(connection, key, replace(brake.released([run.id for run in released], now), waited_at=now))
        self._database.after_commit(connection, lambda: self._outbox.send(*released))

    def _jittered(self, turn: datetime, brake: Brake) -> datetime:
        """The turn, up to a fifth of the distance between two calls later."""
        return turn if brake.rate is None else turn + timedelta(seconds=self._clock.random() / brake.rate / 5)


class PacedCalls:
    """The calls of one run. A released run's first call was counted when it was released."""

    def __init__(self, pacer: Pacer, run: ClaimedRun, clock: Clock) -> None:
        self._pacer, self._run, self._clock, self._is_released = pacer, run, clock, run.is_released

    async def limited(self, upstream: Upstream, error: RateLimitedError, sent_at: datetime) -> Snooze:
        """Notes that the upstream refused what it had accepted before; returns the run's wait."""
        return await self._pacer.limited(upstream, self._run, error, sent_at)

    async def call(
        self,
        upstream: Upstream,
        send: Callable[[], Awaitable[T]],
        headroom: Callable[[T], Headroom | None] = lambda _: None,
    ) -> T:
        """Calls the upstream when its turn has come. ``headroom`` reads what an answer reports of its limits.

        Raises :class:`Snooze` if the run must wait, or :class:`GiveUp` if it has waited too long; besides what ``send``
        raises.
        """
        sent_at = self._clock.now()
        await self._pacer.enter(upstream, self._run, is_released=self._is_released)
        self._is_released = False
        try:
            answer = await send()
        except RateLimitedError as error:
            raise await self._pacer.limited(upstream, self._run, error, sent_at) from error
        except UnavailableError as error:
            wait = await self._pacer.failed(upstream, self._run)
            if wait is None:
                raise
            raise wait from error
        await self._pacer.passed(upstream, headroom(answer))
        return answer


def _changes(before: Brake, after: Brake) -> bool:
    """Whether more has changed than the tokens, which the next call counts anyway."""
    return replace(after, tokens=before.tokens, counted_at=before.counted_at) != before
