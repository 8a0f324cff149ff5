"""Wait tokens: a run waits, without a slot, until a person or another system completes the token."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from agenciaos_jobs.engine.model.job import Snooze
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.store import runs, wait_tokens
from agenciaos_jobs.engine.store.wait_tokens import TokenStatus, WaitToken
from agenciaos_jobs.foundation import storable
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text

log = structlog.get_logger("agenciaos_jobs.wait_tokens")

_KEY_LIFE = timedelta(days=30)
_FOREVER = timedelta(days=3650)


class UnknownTokenError(DomainError):
    """There is no wait token with this id."""

    status = 404
    text = Text("Token de espera não encontrado", "Wait token not found")


class TokenTimedOutError(Exception):
    """Nobody has completed the token in time."""


class WaitTokens:
    """Creates, awaits and completes wait tokens."""

    def __init__(self, database: Database, outbox: RedisOutbox, clock: Clock) -> None:
        self._database, self._outbox, self._clock = database, outbox, clock

    async def create(
        self,
        *,
        timeout: timedelta | None = None,  # noqa: ASYNC109 - it belongs to the token, not to this call
        tags: Sequence[str] = (),
        key: str | None = None,
        key_ttl: timedelta | None = None,
    ) -> tuple[WaitToken, bool]:
        """A new token, or the one that holds the idempotency ``key``; and whether it is that one.

        Without ``timeout`` it waits for as long as the run may.
        """
        now, token_id = self._clock.now(), self._clock.new_id("waitpoint")
        token = WaitToken(
            id=token_id,
            idempotency_key=key,
            key_expires_at=now + (key_ttl or _KEY_LIFE) if key else None,
            tags=list(tags),
            created_at=now,
            timeout_at=None if timeout is None else now + timeout,
            completed_at=None,
            output=None,
        )
        stored = await wait_tokens.create(self._database, token)
        return stored, stored.id != token_id

    async def get(self, token_id: str) -> WaitToken:
        """The token. Raises :class:`UnknownTokenError`."""
        token = await wait_tokens.get(self._database, token_id)
        if token is None:
            raise UnknownTokenError(token_id)
        return token

    async def complete(self, token_id: str, output: Any) -> WaitToken:
        """Completes the token with any JSON value and wakes the runs that wait for it.

        A token that is not waiting any more stays as it is. Raises :class:`UnknownTokenError`.
        """
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if await wait_tokens.complete(connection, token_id, now, storable.encode(output)):
                woken = [
                    await runs.wake(connection, run_id, now)
                    for run_id in await wait_tokens.waiting_runs(connection, token_id)
                ]
                send = partial(self._outbox.send, *[run for run in woken if run])
                self._database.after_commit(connection, send)
                log.info("wait_token_completed", token_id=token_id, runs=len(woken))
        return await self.get(token_id)

    async def result(self, token_id: str, run_id: str, max_wait: timedelta | None = None) -> Any:
        """What the token was completed with, for a run that waits for it; the wait begins at the run's first call.

        Raises ``Snooze`` while it waits, :class:`TokenTimedOutError`, or :class:`UnknownTokenError`.
        """
        now = self._clock.now()
        await self.get(token_id)
        # Registered before it is read: whoever completes it from here on wakes the run.
        until = await wait_tokens.wait(self._database, token_id, run_id, None if max_wait is None else now + max_wait)
        token = await self.get(token_id)
        if token.status(now) is TokenStatus.COMPLETED:
            return token.output
        if token.status(now) is TokenStatus.TIMED_OUT or (until is not None and until <= now):
            raise TokenTimedOutError(f"{token_id} was not completed in time")
        raise Snooze(after=_earliest(until, token.timeout_at, now + _FOREVER) - now)


def _earliest(*moments: datetime | None) -> datetime:
    return min(moment for moment in moments if moment is not None)
