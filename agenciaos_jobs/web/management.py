"""Trigger.dev's management wire: a run as its SDKs read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from agenciaos_jobs.core.run import Status
from agenciaos_jobs.engine.control import NotDelayed, UnknownRun
from agenciaos_jobs.storage import ai, history
from agenciaos_jobs.storage.history import Attempt, StoredRun
from agenciaos_jobs.web.body import answer, read_model
from agenciaos_jobs.web.fields import read_delay
from agenciaos_jobs.web.keys import CLOCK, CONTROL, DATABASE
from agenciaos_jobs.web.language import Text
from agenciaos_jobs.web.operation import Operation
from agenciaos_jobs.web.problems import HttpProblem, invalid

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


class RunId(BaseModel):
    """The run that a call acted on, or that it made."""

    id: str


class Reschedule(BaseModel):
    """How long to wait from now, or the moment to wait for."""

    delay: str


async def retrieve(request: web.Request) -> web.Response:
    with _known(request) as run_id:
        return await _answer(request, await request.app[CONTROL].get(run_id))


async def cancel(request: web.Request) -> web.Response:
    with _known(request) as run_id:
        await request.app[CONTROL].cancel(run_id)
    return answer(RunId(id=run_id))


async def replay(request: web.Request) -> web.Response:
    with _known(request) as run_id:
        return answer(RunId(id=(await request.app[CONTROL].replay(run_id)).run_id))


async def reschedule(request: web.Request) -> web.Response:
    delay = read_delay((await read_model(request, Reschedule)).delay, request.app[CLOCK].now())
    with _known(request) as run_id:
        try:
            return await _answer(request, await request.app[CONTROL].reschedule(run_id, delay or timedelta()))
        except NotDelayed:
            text: Text = {"pt": "Só uma execução DELAYED muda de hora", "en": "Only a DELAYED run can be rescheduled"}
            raise HttpProblem(400, text) from None


@contextmanager
def _known(request: web.Request) -> Iterator[str]:
    run_id = request.match_info["run_id"]
    try:
        yield run_id
    except UnknownRun:
        raise HttpProblem(404, {"pt": "Execução não encontrada", "en": "Run not found"}) from None
    except ValidationError as error:
        raise invalid(error, "payload") from None


async def _answer(request: web.Request, run: StoredRun) -> web.Response:
    database = request.app[DATABASE]
    return answer(_as_sdk_run(run, await history.attempts(database, run.id), await ai.cost_of(database, run.id)))


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


RUN_ID = {"run_id": {"type": "string", "minLength": 1}}

OPERATIONS = [
    Operation(
        "POST",
        "/api/v2/runs/{run_id}/cancel",
        cancel,
        "Cancela uma execução / Cancels a run",
        answers={200: RunId},
        parameters=RUN_ID,
        problems=(404, 503),
    ),
    Operation(
        "POST",
        "/api/v1/runs/{run_id}/replay",
        replay,
        "Executa de novo / Runs again",
        answers={200: RunId},
        parameters=RUN_ID,
        problems=(404, 422, 503),
    ),
    Operation(
        "POST",
        "/api/v1/runs/{run_id}/reschedule",
        reschedule,
        "Muda a hora de uma execução DELAYED / Gives a DELAYED run another time",
        request=Reschedule,
        answers={200: SdkRun},
        parameters=RUN_ID,
        problems=(400, 404, 408, 413, 415, 422, 503),
    ),
    Operation(
        "GET",
        "/api/v3/runs/{run_id}",
        retrieve,
        "Uma execução, com suas tentativas / A run, with its attempts",
        answers={200: SdkRun},
        parameters=RUN_ID,
        problems=(404, 503),
    ),
]
