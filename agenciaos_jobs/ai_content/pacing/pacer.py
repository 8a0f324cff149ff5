"""The pacer: lets calls of a model begin as fast as its brake allows, and has the runs of the others wait.

A run that may not call is queued again, without a slot and without an attempt, and the pacer of any worker releases it
when its turn comes. The brake is a row in Postgres. It is read before each call, and written only while a limit or an
outage is known.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from agenciaos_jobs.ai_content.openai.errors import RateLimitedError, UnavailableError
from agenciaos_jobs.ai_content.pacing.brake import Brake
from agenciaos_jobs.ai_content.pacing.headroom import Headroom
from agenciaos_jobs.ai_content.store import brakes
from agenciaos_jobs.engine.model.job import GiveUp, Snooze, Waiting
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.store import waiting
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.i18n.text import Text

log = structlog.get_logger("agenciaos_jobs.pacer")

LIMITED = Text("Limite de uso da OpenAI", "OpenAI's rate limit")
DOWN = Text("OpenAI fora do ar", "OpenAI is down")

_MOST = 500
_CALL_AGAIN_AFTER = timedelta(minutes=5)
"""When a waiting run tries by itself, should nobody release it."""


class Paced(Protocol):
    """What a paced call returns."""

    @property
    def headroom(self) -> Headroom | None: ...


T = TypeVar("T", bound=Paced)


def key_of(model: str) -> str:
    """The key of the runs that wait for a model."""
    return f"openai:{model}"


class Pacer:
    """Shares the models' limits between all runs of all workers. ``wait_limit`` is the longest that a run waits."""

    def __init__(self, database: Database, clock: Clock, outbox: RedisOutbox, wait_limit: timedelta) -> None:
        self._database, self._clock, self._outbox, self._wait_limit = database, clock, outbox, wait_limit
        # Calls that wait for the row would hold all of the pool's connections.
        self._one_at_a_time = asyncio.Lock()

    def calls_of(self, run: ClaimedRun) -> "PacedCalls":
        """The calls of one run."""
        return PacedCalls(self, run, self._clock)

    async def enter(self, model: str, run: ClaimedRun, *, is_released: bool) -> None:
        """Returns when the run may call the model; raises :class:`Snooze` if it must wait."""
        now = self._clock.now()
        known = await brakes.read(self._database, model)
        if known and known.is_free(now):
            return
        if known and known.was_waited_for(now) and not known.enter(run.id, is_released=is_released, now=now):
            raise self.wait(model, run, known)
        async with self._one_at_a_time, brakes.locked(self._database, model, now) as (connection, brake):
            entered = brake.enter(run.id, is_released=is_released, now=now)
            await brakes.save(connection, model, entered or replace(brake, waited_at=now))
        if entered is None:
            raise self.wait(model, run, brake)

    async def passed(self, model: str, headroom: Headroom | None) -> None:
        """Notes that a call was answered."""
        now = self._clock.now()
        known = await brakes.read(self._database, model)
        if known is None or not _changes(known, known.passed(headroom, now)):
            return
        async with self._one_at_a_time, brakes.locked(self._database, model, now) as (connection, brake):
            await brakes.save(connection, model, brake.passed(headroom, now))
        if known.is_open:
            log.info("openai_answers_again", model=model)

    async def limited(self, model: str, run: ClaimedRun, error: RateLimitedError, sent_at: datetime) -> Snooze:
        """Notes that a call was refused for a limit; returns the run's wait."""
        now = self._clock.now()
        async with self._one_at_a_time, brakes.locked(self._database, model, now) as (connection, before):
            brake = replace(before.limited(sent_at, error.after, now), waited_at=now)
            await brakes.save(connection, model, brake)
        log.info("openai_limited", model=model, error_code=error.code, rate=brake.rate and round(brake.rate, 3))
        return self.wait(model, run, brake)

    async def failed(self, model: str, run: ClaimedRun) -> Snooze | None:
        """Notes that the model failed; returns the run's wait if the circuit is open."""
        now = self._clock.now()
        async with self._one_at_a_time, brakes.locked(self._database, model, now) as (connection, before):
            brake = replace(before.failed(now), waited_at=now)
            await brakes.save(connection, model, brake)
            if brake.is_open and not before.is_open:
                await waiting.restate(connection, Waiting(key_of(model), DOWN))
        if not brake.is_open:
            return None
        if not before.is_open:
            log.warning("openai_down", model=model)
        return self.wait(model, run, brake)

    def wait(self, model: str, run: ClaimedRun, brake: Brake) -> Snooze:
        """The wait of a run that may not call. Raises :class:`GiveUp` at the limit of ``AI_WAIT_LIMIT``."""
        now, reason = self._clock.now(), DOWN if brake.is_open else LIMITED
        left = (run.waits_since or now) + self._wait_limit - now
        if left <= timedelta():
            minutes = self._wait_limit / timedelta(minutes=1)
            message = f"the run waited {minutes:g} minutes for OpenAI (AI_WAIT_LIMIT): {reason.en}"
            raise GiveUp("ai_wait_limit_reached", message, details={"reason": reason.pt})
        return Snooze(min(left, _CALL_AGAIN_AFTER), Waiting(key_of(model), reason))

    async def release(self) -> None:
        """Lets the runs begin whose turn comes within the next seconds. One worker at a time does so for a model."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            for model, brake in (await brakes.lock_waited_for(connection, now - 2 * _CALL_AGAIN_AFTER)).items():
                await self._release(connection, model, brake, now)

    async def _release(self, connection: Connection, model: str, brake: Brake, now: datetime) -> None:
        turns = [self._jittered(turn, brake) for turn in brake.turns(now, _MOST)]
        released = await waiting.release(connection, key_of(model), turns) if turns else []
        if not released:
            return
        await brakes.save(connection, model, replace(brake.released([run.id for run in released], now), waited_at=now))
        self._database.after_commit(connection, lambda: self._outbox.send(*released))

    def _jittered(self, turn: datetime, brake: Brake) -> datetime:
        """The turn, up to a fifth of the distance between two calls later."""
        return turn if brake.rate is None else turn + timedelta(seconds=self._clock.random() / brake.rate / 5)


class PacedCalls:
    """The calls of one run. A released run's first call was counted when it was released."""

    def __init__(self, pacer: Pacer, run: ClaimedRun, clock: Clock) -> None:
        self._pacer, self._run, self._clock, self._is_released = pacer, run, clock, run.is_released

    async def limited(self, model: str, error: RateLimitedError, sent_at: datetime) -> Snooze:
        """Notes that the model refused what it had accepted before; returns the run's wait."""
        return await self._pacer.limited(model, self._run, error, sent_at)

    async def call(self, model: str, send: Callable[[], Awaitable[T]]) -> T:
        """Calls the model when its turn has come.

        Raises :class:`Snooze` if the run must wait, or :class:`GiveUp` if it has waited too long; besides what ``send``
        raises.
        """
        await self._pacer.enter(model, self._run, is_released=self._is_released)
        self._is_released, sent_at = False, self._clock.now()
        try:
            answer = await send()
        except RateLimitedError as error:
            raise await self._pacer.limited(model, self._run, error, sent_at) from error
        except UnavailableError as error:
            wait = await self._pacer.failed(model, self._run)
            if wait is None:
                raise
            raise wait from error
        await self._pacer.passed(model, answer.headroom)
        return answer


def _changes(before: Brake, after: Brake) -> bool:
    """Whether more has changed than the tokens, which the next call counts anyway."""
    return replace(after, tokens=before.tokens, counted_at=before.counted_at) != before
