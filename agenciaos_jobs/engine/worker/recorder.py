"""The recorder: sees to it that the end of every attempt is written, through outages and whatever a job does."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, RetryLater, Snooze
from agenciaos_jobs.engine.model.run import MaxDurationExceeded, Retry, RunError, Status
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.engine.worker.completer import Completer, encode_output
from agenciaos_jobs.engine.worker.outcome import Failure, deadline_of, within_limit
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.engine.worker.run_streams import RunStreams
from agenciaos_jobs.engine.worker.running import Running
from agenciaos_jobs.engine.worker.telemetry import log_and_count_outcome
from agenciaos_jobs.foundation import tracing
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.recorder")

DATABASE_RETRY_INTERVAL = timedelta(seconds=1)


class Recorder:
    """Records outcomes. Every method raises ``OwnershipLostError`` if the worker no longer owns the run."""

    def __init__(self, completer: Completer, run_log: RunLog, streams: RunStreams, clock: Clock) -> None:
        self._completer, self._run_log, self._streams, self._clock = completer, run_log, streams, clock

    async def succeed(self, running: Running, result: Any) -> None:
        """Records what the job returned. Whatever its effect raises is raised here, and fails the attempt."""
        error = None
        if isinstance(result, CommitWith):
            await self._flush()
            error = await _when_available(lambda: self._complete_with(running, result))
        else:
            output = encode_output(result)
            await self._flush()
            await _when_available(lambda: self._completer.complete(running, output))
        outcome = Status.FAILED if error else Status.COMPLETED
        log_and_count_outcome(running.run, self._clock.now(), outcome, error)

    async def _complete_with(self, running: Running, result: CommitWith) -> RunError | None:
        return await within_limit(running, self._completer.complete_with(running, result), self._clock.now())

    async def snooze(self, running: Running, snooze: Snooze) -> datetime:
        """Records that the attempt waits; returns when it continues."""
        now = self._clock.now()
        longest = snooze.after if snooze.waiting else deadline_of(running.run) - now
        due_at = now + max(timedelta(), min(snooze.after, longest))
        await self._flush()
        due: datetime = await _when_available(lambda: self._completer.snooze(running, due_at, snooze.waiting))
        log.debug("run_standing_by", seconds=(due - now).total_seconds())
        return due

    async def fail(self, running: Running, failure: Failure) -> datetime | None:
        """Records a failed attempt; returns when the next one is due, if there is one.

        If that is refused, for instance because a hook raises, at least the failure itself is recorded.
        """
        next_step, error = failure.next_step, self._completer.describe(failure.cause)
        tracing.mark_failed(error.code or error.type)
        await self._flush()
        due_at = self._clock.now() + (next_step.after if isinstance(next_step, Retry) else timedelta())
        try:
            await _when_available(lambda: self._completer.fail(running, error, next_step, due_at))
        except OwnershipLostError:
            raise
        except Exception:
            log.exception("failure_not_recorded", error_type=error.type, error_code=error.code)
            minimal = RunError(error.type, "the failure could not be recorded: see the worker's log", "not_recorded")
            await _when_available(lambda: self._completer.fail(running, minimal, next_step, due_at, with_hooks=False))
        is_unforeseen = not isinstance(failure.cause, GiveUp | RetryLater | MaxDurationExceeded)
        log_and_count_outcome(running.run, self._clock.now(), next_step, error, is_unforeseen=is_unforeseen)
        return due_at if isinstance(next_step, Retry) else None

    async def _flush(self) -> None:
        """Stores what the job logged and streamed, so that it is complete when the run's end can be seen."""
        await self._streams.flush()
        await self._run_log.flush()


async def _when_available(write: Callable[[], Awaitable[Any]]) -> Any:
    """Writes an outcome, retrying through database outages: the work must not be lost."""
    while True:
        try:
            return await write()
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", error=str(error))
            await asyncio.sleep(DATABASE_RETRY_INTERVAL.total_seconds())
