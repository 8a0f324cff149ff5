"""What is logged, counted and traced of an attempt."""

from datetime import datetime
from functools import cache
from typing import TypeVar

import structlog
from prometheus_client import Counter, Histogram

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import ClaimedRun, Retry, RunError, Status
from agenciaos_jobs.foundation import metrics

log = structlog.get_logger("agenciaos_jobs.runner")

M = TypeVar("M", Counter, Histogram)


def log_context(run: ClaimedRun, trace_id: str | None) -> Json:
    """The fields of every log line of a run."""
    known = {"run_id": run.id, "task": run.task, "agency_id": run.agency_id, "attempt": run.attempt}
    if run.request_id:
        known["request_id"] = run.request_id
    if trace_id:
        known["trace_id"] = trace_id
    return known


def span_attributes(run: ClaimedRun) -> Json:
    """The attributes of a run's span, named as in https://opentelemetry.io/docs/specs/semconv/messaging/."""
    return {
        "messaging.system": "agenciaos",
        "messaging.operation.type": "process",
        "messaging.message.id": run.id,
        "agenciaos.task": run.task,
        "agenciaos.attempt": run.attempt,
        "agenciaos.agency_id": run.agency_id,
        "agenciaos.request_id": run.request_id,
    }


@cache
def _labels(metric: M, *values: str) -> M:
    """``metric.labels(…)``, which takes several times as long."""
    return metric.labels(*values)


def count_start(run: ClaimedRun, now: datetime) -> None:
    """Counts the start of an attempt, and how long it waited."""
    _labels(metrics.STARTS, run.task).inc()
    _labels(metrics.WAIT_SECONDS, run.task).observe((now - run.due_at).total_seconds())


def log_and_count_outcome(
    run: ClaimedRun,
    now: datetime,
    outcome: Status | Retry,
    error: RunError | None = None,
    *,
    is_unforeseen: bool = False,
) -> None:
    """Logs and counts how an attempt ended; ``is_unforeseen``: the job did not mean to raise the error."""
    duration = (now - run.attempt_started_at).total_seconds()
    label = "retried" if isinstance(outcome, Retry) else outcome.lower()
    _labels(metrics.RUNS, run.task, label).inc()
    _labels(metrics.RUN_SECONDS, run.task).observe(duration)
    fields: Json = {"duration": round(duration, 3)}
    if error is None:
        log.info("run_completed", **fields)
        return
    fields |= {"error_type": error.type, "error_code": error.code}
    if is_unforeseen:
        fields["exception"] = error.stack
    if isinstance(outcome, Retry):
        log.warning("attempt_failed", **fields, retry_in=round(outcome.after.total_seconds(), 3))
    else:
        log.error("run_failed", **fields, status=outcome)
