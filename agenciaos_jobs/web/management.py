"""Trigger.dev's management wire: a run as its SDKs read it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from agenciaos_jobs.core.run import Status
from agenciaos_jobs.storage import ai, runs
from agenciaos_jobs.storage.runs import Attempt, StoredRun
from agenciaos_jobs.web.body import answer
from agenciaos_jobs.web.keys import DATABASE
from agenciaos_jobs.web.operation import Operation
from agenciaos_jobs.web.problems import HttpProblem

# Absent optionals are left out of answers, never null: the SDKs check with zod.


class SdkError(BaseModel):
    """Why an attempt failed, as the SDKs read it."""

    message: str
    name: str | None = None
    stackTrace: str | None = None  # noqa: N815


class SdkAttempt(BaseModel):
    """One attempt; ``status`` is EXECUTING, COMPLETED, FAILED or CANCELED."""

    id: str
    status: str
    createdAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    startedAt: datetime | None = None  # noqa: N815
    completedAt: datetime | None = None  # noqa: N815
    error: SdkError | None = None


class SdkRun(BaseModel):
    """A run. Between two attempts it is QUEUED; ``durationMs`` is the time its attempts took."""

    id: str
    status: Status
    taskIdentifier: str  # noqa: N815
    idempotencyKey: str | None = None  # noqa: N815
    isQueued: bool  # noqa: N815
    isExecuting: bool  # noqa: N815
    isWaiting: bool = False  # noqa: N815
    isCompleted: bool  # noqa: N815
    isSuccess: bool  # noqa: N815
    isFailed: bool  # noqa: N815
    isCancelled: bool  # noqa: N815
    isTest: bool = False  # noqa: N815
    createdAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    startedAt: datetime | None = None  # noqa: N815
    finishedAt: datetime | None = None  # noqa: N815
    delayedUntil: datetime | None = None  # noqa: N815
    tags: list[str] = []
    costInCents: float = Field(description="US cents paid for AI")  # noqa: N815
    baseCostInCents: float = 0  # noqa: N815
    durationMs: int  # noqa: N815
    depth: int = 0
    triggerFunction: str = "trigger"  # noqa: N815
    payload: Any = None
    output: Any = None
    error: SdkError | None = None
    relatedRuns: dict[str, Any] = {}  # noqa: N815
    attempts: list[SdkAttempt]
    attemptCount: int  # noqa: N815


async def retrieve(request: web.Request) -> web.Response:
    database, run_id = request.app[DATABASE], request.match_info["run_id"]
    run = await runs.get(database, run_id) if "\0" not in run_id else None
    if run is None:
        raise HttpProblem(404, {"pt": "Execução não encontrada", "en": "Run not found"})
    return answer(_as_sdk_run(run, await runs.attempts(database, run_id), await ai.cost_of(database, run_id)))


def _as_sdk_run(run: StoredRun, attempts: list[Attempt], cost: Decimal) -> SdkRun:
    ended = sum((attempt.finished_at - attempt.started_at).total_seconds() for attempt in attempts)
    return SdkRun(
        id=run.id,
        status=run.status,
        taskIdentifier=run.task,
        idempotencyKey=run.idempotency_key,
        isQueued=run.status in {Status.QUEUED, Status.DELAYED},
        isExecuting=run.status is Status.EXECUTING,
        isCompleted=run.status.is_final,
        isSuccess=run.status is Status.COMPLETED,
        isFailed=run.status.is_failure,
        isCancelled=run.status is Status.CANCELED,
        createdAt=run.created_at,
        updatedAt=run.updated_at,
        startedAt=run.started_at,
        finishedAt=run.finished_at,
        delayedUntil=run.delayed_until,
        tags=run.tags,
        costInCents=float(cost * 100),
        durationMs=round(ended * 1000),
        payload=run.payload,
        output=run.output,
        error=_as_sdk_error(run.error),
        attempts=[*map(_as_sdk_attempt, attempts), *_attempt_under_way(run)],
        attemptCount=run.attempt,
    )


def _as_sdk_error(error: dict[str, Any] | None) -> SdkError | None:
    if error is None:
        return None
    return SdkError(message=error["message"], name=error.get("code", error["type"]), stackTrace=error.get("stack"))


def _as_sdk_attempt(attempt: Attempt) -> SdkAttempt:
    return SdkAttempt(
        id=f"attempt_{attempt.run_id.removeprefix('run_')}_{attempt.number}",
        status=attempt.status,
        createdAt=attempt.started_at,
        updatedAt=attempt.finished_at,
        startedAt=attempt.started_at,
        completedAt=attempt.finished_at,
        error=_as_sdk_error(attempt.error),
    )


def _attempt_under_way(run: StoredRun) -> list[SdkAttempt]:
    if run.status is not Status.EXECUTING or run.attempt_started_at is None:
        return []
    began = run.attempt_started_at
    attempt_id = f"attempt_{run.id.removeprefix('run_')}_{run.attempt}"
    return [SdkAttempt(id=attempt_id, status="EXECUTING", createdAt=began, updatedAt=began, startedAt=began)]


OPERATIONS = [
    Operation(
        "GET",
        "/api/v3/runs/{run_id}",
        retrieve,
        "Uma execução, com suas tentativas / A run, with its attempts",
        answers={200: SdkRun},
        parameters={"run_id": {"type": "string", "minLength": 1}},
        problems=(404, 503),
    )
]
