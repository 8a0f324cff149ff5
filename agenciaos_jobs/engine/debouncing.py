"""Debouncing: triggers with one key that follow each other within a delay make one run.

The rules are those of Trigger.dev's ``debounce``: a delayed run of the same task and key is pushed back instead of
making a new one, unless that would exceed ``max_delay`` from its first trigger. Then that run starts when it is due,
and a new one takes the key.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from agenciaos_jobs.engine.intake import Condition, Intake
from agenciaos_jobs.engine.model.run import NewRun, QueuedRun, TriggerResult
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.store import debouncing, runs
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database


@dataclass(frozen=True)
class Debounce:
    """How a trigger is debounced. ``is_trailing``: the run gets the data of the last trigger, not of the first."""

    key: str
    delay: timedelta
    is_trailing: bool = False
    max_delay: timedelta | None = None


class _RequestRepeatedError(Exception):
    """The run of this request, or of this idempotency key, exists."""


class Debouncer:
    """Triggers debounced runs."""

    def __init__(self, database: Database, intake: Intake, outbox: RedisOutbox, clock: Clock) -> None:
        self._database, self._intake, self._outbox, self._clock = database, intake, outbox, clock

    async def trigger(self, new: NewRun, how: Debounce, *, condition: Condition | None = None) -> TriggerResult:
        """Pushes the key's run back, or makes a new one. An idempotency key in use comes first.

        Raises ``KeyConflictError`` as the intake does.
        """
        new = self._intake.with_limit(new._replace(delay=how.delay))
        has_key = bool(new.idempotency_key or new.request_key)
        while True:
            try:
                async with self._database.transaction() as connection:
                    if condition:
                        await condition(connection)
                    if has_key and (existing := await self._intake.existing(connection, new)):
                        return existing
                    return await self._trigger_in(connection, new, how)
            except _RequestRepeatedError:
                continue

    async def _trigger_in(self, connection: Connection, new: NewRun, how: Debounce) -> TriggerResult:
        run_id, now = self._clock.new_id("run"), self._clock.now()
        held = await debouncing.hold(connection, new.task, how.key, run_id, now)
        if held.run_id != run_id:
            due_at = now + how.delay
            is_within = how.max_delay is None or due_at <= held.first_at + how.max_delay
            if is_within and (pushed := await debouncing.push_back(connection, held.run_id, due_at, now)):
                if how.is_trailing:
                    await debouncing.overwrite(connection, held.run_id, new)
                self._database.after_commit(connection, partial(self._outbox.send, pushed))
                return TriggerResult(held.run_id, is_cached=True)
            await debouncing.replace(connection, new.task, how.key, run_id, now)
        if not await runs.insert(connection, [(run_id, new)], now):
            raise _RequestRepeatedError
        queued = QueuedRun(run_id, new.task, now + how.delay, new.priority)
        self._database.after_commit(connection, partial(self._outbox.send, queued))
        return TriggerResult(run_id)
