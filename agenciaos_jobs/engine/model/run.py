"""A run: its statuses, what is known of it at each step, and what follows a failed attempt."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from agenciaos_jobs.engine.model.job import GiveUp, Json, RetryLater
from agenciaos_jobs.foundation.backoff import Backoff


class Status(StrEnum):
    """The names Trigger.dev's SDKs know."""

    DELAYED = "DELAYED"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    TIMED_OUT = "TIMED_OUT"
    EXPIRED = "EXPIRED"
    SYSTEM_FAILURE = "SYSTEM_FAILURE"

    @property
    def is_final(self) -> bool:
        return self not in {Status.DELAYED, Status.QUEUED, Status.EXECUTING}

    @property
    def is_failure(self) -> bool:
        return self in FAILURES


FAILURES = frozenset({Status.FAILED, Status.CRASHED, Status.TIMED_OUT, Status.EXPIRED, Status.SYSTEM_FAILURE})


class NewRun(NamedTuple):
    """A run that somebody asks for. ``payload`` has passed the job's own model. Durations are in seconds.

    ``request_key`` is the same in every repetition of one request, which makes one run however often it arrives.
    ``shown_key`` is what its caller calls the idempotency key, where that is not the key itself. ``queue`` is the
    caller's name for what shares a limit; without one a task is its own queue.
    """

    task: str
    payload: Json
    agency_id: str | None
    max_attempts: int
    max_duration: int
    source: str
    delay: timedelta | None = None
    tags: tuple[str, ...] = ()
    idempotency_key: str | None = None
    idempotency_ttl: timedelta = timedelta(days=30)
    request_id: str | None = None
    schedule_id: str | None = None
    replay_of: str | None = None
    ttl: timedelta | None = None
    priority: int = 0
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    queue: str | None = None
    metadata: Json | None = None
    batch_id: str | None = None
    is_test: bool = False
    shown_key: str | None = None
    request_key: str | None = None
    traceparent: str | None = None


class TriggerResult(NamedTuple):
    """The answer to a trigger: the run, and whether an earlier call with the same key had made it already."""

    run_id: str
    is_cached: bool = False


class ClaimedRun(NamedTuple):
    """A run that this worker now owns, at its attempt number ``attempt`` (from 1)."""

    id: str
    task: str
    payload: Json
    agency_id: str | None
    attempt: int
    max_attempts: int
    max_duration: int
    created_at: datetime
    due_at: datetime
    attempt_started_at: datetime
    tags: tuple[str, ...] = ()
    request_id: str | None = None
    concurrency_key: str | None = None
    losses: int = 0
    traceparent: str | None = None


class QueuedRun(NamedTuple):
    """A run as the queue needs to know it. ``priority`` is in seconds."""

    id: str
    task: str
    due_at: datetime
    priority: int = 0


@dataclass(frozen=True)
class RunError:
    """Why an attempt failed. ``code`` is for programs, ``stack`` is Python's traceback where there is one."""

    type: str
    message: str
    code: str | None = None
    stack: str | None = None
    details: Json = field(default_factory=dict)

    def as_json(self) -> Json:
        known = {"type": self.type, "message": self.message, "code": self.code, "stack": self.stack}
        return {name: value for name, value in known.items() if value is not None} | (
            {"details": self.details} if self.details else {}
        )


@dataclass(frozen=True)
class Retry:
    """The run goes back to the queue and starts no sooner than after this wait."""

    after: timedelta


class MaxDurationExceeded(Exception):
    """The attempt ran longer than the run's ``max_duration``."""


def after_failure(
    error: BaseException, attempt: int, max_attempts: int, backoff: Backoff, chance: float
) -> Retry | Status:
    """What follows a failed attempt: another one, or the status the run ends in."""
    if isinstance(error, GiveUp):
        return Status.FAILED
    if isinstance(error, MaxDurationExceeded):
        return Status.TIMED_OUT
    if attempt >= max_attempts:
        return Status.FAILED
    if isinstance(error, RetryLater) and error.after is not None:
        return Retry(error.after)
    return Retry(backoff.delay(attempt, chance))
