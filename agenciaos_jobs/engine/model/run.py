"""The run: its statuses, its representations from trigger to claim, and the policy after a failed attempt."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from agenciaos_jobs.engine.model.job import GiveUp, Json, RetryLater
from agenciaos_jobs.foundation.backoff import Backoff


class Status(StrEnum):
    """A run's status, by the names that Trigger.dev's SDKs use."""

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
    """A run to be triggered. ``payload`` has been validated by the job's model. ``max_duration`` is in seconds.

    ``request_key`` is the same in every repetition of a request, so that it makes one run. ``shown_key`` is the
    idempotency key as the caller wrote it, if that differs. ``queue`` is the caller's name for runs that share a limit;
    without one, each task is its own queue. ``parent_id`` is the run whose job triggers this one.
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
    parent_id: str | None = None


class TriggerResult(NamedTuple):
    """The result of a trigger: the run's id, and whether an earlier call with the same key made it."""

    run_id: str
    is_cached: bool = False


class ClaimedRun(NamedTuple):
    """A run that this worker owns, at attempt number ``attempt`` (from 1). ``losses``: workers that it crashed.

    ``waits_since``: when the attempt first had to wait to begin (:class:`~agenciaos_jobs.engine.model.job.Waiting`);
    ``is_released``: it was released since, rather than called again to see whether it can begin.
    """

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
    waits_since: datetime | None = None
    is_released: bool = False


class QueuedRun(NamedTuple):
    """The fields of a run that the queue needs. ``priority`` is in seconds."""

    id: str
    task: str
    due_at: datetime
    priority: int = 0


@dataclass(frozen=True)
class RunError:
    """Why an attempt failed. ``code`` is for programs; ``stack`` is Python's traceback, if there is one."""

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


MAX_WAIT = timedelta(days=366)
"""The longest wait before an attempt; a job that asks for a longer one gets this."""


@dataclass(frozen=True)
class Retry:
    """The run is requeued and starts no sooner than after this wait."""

    after: timedelta


class MaxDurationExceeded(Exception):
    """The attempt ran longer than the run's ``max_duration``."""


def after_failure(
    error: BaseException, attempt: int, max_attempts: int, backoff: Backoff, chance: float
) -> Retry | Status:
    """What follows a failed attempt: a retry, or the run's final status. ``chance`` in [0, 1) is the jitter."""
    if isinstance(error, GiveUp):
        return Status.FAILED
    if isinstance(error, MaxDurationExceeded):
        return Status.TIMED_OUT
    if attempt >= max_attempts:
        return Status.FAILED
    wait = error.after if isinstance(error, RetryLater) and error.after is not None else backoff.delay(attempt, chance)
    return Retry(min(max(wait, timedelta()), MAX_WAIT))
