"""Runs as Trigger.dev's SDKs parse them.

The SDKs validate with zod, so absent optional fields are omitted, never null.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import Field

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.history import Attempt, RunSummary, StoredRun
from agenciaos_jobs.foundation.duration import write_duration
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.trigger_dev.options import WireModel
from agenciaos_jobs.trigger_dev.run_errors import code_of, message_of


class SdkError(WireModel):
    """An error. ``code``, which is ``name`` too, is stable; a run's ``message`` is for people, in their language."""

    message: str
    name: str | None = None
    code: str | None = None
    stack_trace: str | None = None


class SdkAttempt(WireModel):
    """An attempt; ``status`` is EXECUTING, COMPLETED, FAILED or CANCELED."""

    id: str
    status: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error: SdkError | None = None


class SdkEnvironment(WireModel):
    """The run's environment; there is only one."""

    id: str = "env_agenciaos"
    name: str = "production"


class SdkRunSummary(WireModel):
    """A run without its payload and output. It is QUEUED between attempts, and while it waits for a response."""

    id: str
    status: Status
    task_identifier: str
    idempotency_key: str | None = None
    is_queued: bool
    is_executing: bool
    is_waiting: bool = False
    is_completed: bool
    is_success: bool
    is_failed: bool
    is_cancelled: bool
    is_test: bool
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    delayed_until: datetime | None = None
    ttl: str | None = None
    expired_at: datetime | None = None
    tags: list[str]
    cost_in_cents: float = Field(description="US cents paid for AI")
    base_cost_in_cents: float = 0
    duration_ms: int = Field(description="The time its attempts took")
    metadata: Json | None = None


class SdkListedRun(SdkRunSummary):
    """A run in a list."""

    env: SdkEnvironment = SdkEnvironment()


class SdkSchedule(WireModel):
    """The schedule that created the run."""

    id: str
    external_id: str | None = None
    deduplication_key: str | None = None
    generator: dict[str, str]


class SdkWaitingFor(WireModel):
    """Why a QUEUED run cannot start yet, and since when. It starts by itself."""

    reason: str
    since: datetime


class SdkRun(SdkRunSummary):
    """A run with its attempts."""

    depth: int = 0
    trigger_function: str = "trigger"
    batch_id: str | None = None
    payload: Any = None
    output: Any = None
    error: SdkError | None = None
    schedule: SdkSchedule | None = None
    related_runs: dict[str, Any] = Field(default={})
    attempts: list[SdkAttempt]
    attempt_count: int
    waiting_for: SdkWaitingFor | None = None


def summary(run: RunSummary, duration: timedelta, cost: Decimal) -> Json:
    """The fields that a list and a single run share; ``cost`` is in US dollars."""
    return {
        "id": run.id,
        "status": run.status,
        "task_identifier": run.task,
        "idempotency_key": run.idempotency_key,
        "is_queued": run.status in {Status.QUEUED, Status.DELAYED} and not run.is_waiting,
        "is_waiting": run.is_waiting,
        "is_executing": run.status is Status.EXECUTING,
        "is_completed": run.status.is_final,
        "is_success": run.status is Status.COMPLETED,
        "is_failed": run.status.is_failure,
        "is_cancelled": run.status is Status.CANCELED,
        "is_test": run.is_test,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "delayed_until": run.delayed_until,
        "ttl": write_duration(run.ttl) if run.ttl else None,
        "expired_at": run.finished_at if run.status is Status.EXPIRED else None,
        "tags": run.tags,
        "cost_in_cents": float(cost * 100),
        "duration_ms": round(duration.total_seconds() * 1000),
        "metadata": run.metadata,
    }


def as_sdk_run(
    run: StoredRun,
    attempts: Sequence[Attempt],
    cost: Decimal,
    schedule: SdkSchedule | None = None,
    *,
    language: Language = "pt",
    shows_stack: bool = True,
) -> SdkRun:
    """``shows_stack`` is false for holders of public tokens: a traceback shows the inside of the service."""
    ended = sum((attempt.finished_at - attempt.started_at for attempt in attempts), timedelta())
    return SdkRun(
        **summary(run, ended, cost),
        trigger_function="batchTrigger" if run.batch_id else "trigger",
        batch_id=run.batch_id,
        payload=run.payload,
        output=run.output,
        error=_as_sdk_error(run.error, shows_stack, message_of(run.task, run.error, language) if run.error else None),
        schedule=schedule,
        attempts=[*(_as_sdk_attempt(attempt, shows_stack) for attempt in attempts), *_attempt_under_way(run)],
        attempt_count=run.attempt,
        waiting_for=_waiting_for(run, language),
    )


def _waiting_for(run: StoredRun, language: Language) -> SdkWaitingFor | None:
    if run.waiting_reason is None or run.waits_since is None:
        return None
    return SdkWaitingFor(reason=run.waiting_reason.in_language(language), since=run.waits_since)


def _as_sdk_error(error: Json | None, shows_stack: bool, message: str | None = None) -> SdkError | None:
    if error is None:
        return None
    stack = error.get("stack") if shows_stack else None
    code = code_of(error)
    return SdkError(message=message or error["message"], name=code, code=code, stack_trace=stack)


def _as_sdk_attempt(attempt: Attempt, shows_stack: bool) -> SdkAttempt:
    return SdkAttempt(
        id=f"attempt_{attempt.run_id.removeprefix('run_')}_{attempt.number}",
        status=attempt.status,
        created_at=attempt.started_at,
        updated_at=attempt.finished_at,
        started_at=attempt.started_at,
        completed_at=attempt.finished_at,
        error=_as_sdk_error(attempt.error, shows_stack),
    )


def _attempt_under_way(run: StoredRun) -> list[SdkAttempt]:
    if run.status is not Status.EXECUTING or run.attempt_started_at is None:
        return []
    began = run.attempt_started_at
    attempt_id = f"attempt_{run.id.removeprefix('run_')}_{run.attempt}"
    return [SdkAttempt(id=attempt_id, status="EXECUTING", created_at=began, updated_at=began, started_at=began)]
