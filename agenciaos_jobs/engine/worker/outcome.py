"""What the end of a job's code means for its run."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from agenciaos_jobs.engine.model.job import Job, Snooze
from agenciaos_jobs.engine.model.run import ClaimedRun, MaxDurationExceeded, Retry, Status, after_failure
from agenciaos_jobs.engine.worker.running import Running
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.clock import Clock

FINAL_POLL_TIMEOUT = timedelta(seconds=5)
"""The time that an attempt gets for a last call after it was snoozed until its deadline."""


T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """A failed attempt: its cause, and what follows."""

    cause: BaseException
    next_step: Retry | Status


def classify(run: ClaimedRun, jobs: Mapping[str, Job[Any]], clock: Clock, cause: BaseException) -> Snooze | Failure:
    """What an exception means: a snooze, unless the deadline has passed, or a failure and its next step."""
    if isinstance(cause, Snooze):
        if cause.waiting or clock.now() < deadline_of(run):
            return cause
        cause = exceeded(run)
    backoff = jobs[run.task].limits.backoff if run.task in jobs else Backoff()
    return Failure(cause, after_failure(cause, run.attempt, run.max_attempts, backoff, clock.random()))


def deadline_of(run: ClaimedRun) -> datetime:
    """When the attempt's ``max_duration`` ends."""
    return run.attempt_started_at + timedelta(seconds=run.max_duration)


def time_left(run: ClaimedRun, now: datetime) -> timedelta:
    """The rest of the attempt's ``max_duration``. One that was snoozed until its deadline gets a final poll."""
    left = deadline_of(run) - now
    return left if left > timedelta() else FINAL_POLL_TIMEOUT


def exceeded(run: ClaimedRun) -> MaxDurationExceeded:
    """The error of an attempt that took too long."""
    return MaxDurationExceeded(f"the attempt took longer than {run.max_duration} s")


async def within_limit(running: Running, work: Awaitable[T], now: datetime) -> T:
    """Awaits a job's code. Raises :class:`MaxDurationExceeded` after the limit, even if the code ignores it.

    It does what ``asyncio.timeout`` does, for a quarter of its cost.
    """
    is_over = False

    def end() -> None:
        nonlocal is_over
        is_over = True
        running.task.cancel()

    timer = asyncio.get_running_loop().call_later(time_left(running.run, now).total_seconds(), end)
    try:
        result = await work
    except BaseException as error:
        if is_over and not running.stop_code:
            running.task.uncancel()
            raise exceeded(running.run) from error
        raise
    finally:
        timer.cancel()
    if is_over:
        running.task.uncancel()
        raise exceeded(running.run)
    return result
