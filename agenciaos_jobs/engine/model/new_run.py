"""Builds a new run from its job's defaults and its caller's options."""

from typing import Any

from agenciaos_jobs.engine.model.job import Job, Json
from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.foundation import tracing


def new_run(job: Job[Any], payload: Json, *, source: str, **options: Any) -> NewRun:
    """A run of ``job`` with the job's limits. ``options`` are fields of :class:`NewRun`; ``None`` means not given.

    Raises pydantic's ``ValidationError`` for an invalid payload.
    """
    checked = job.payload.model_validate(payload)
    agency_id = job.hooks.agency(checked)
    fields: Json = {
        "agency_id": agency_id,
        "max_attempts": job.limits.attempts,
        "max_duration": job.hooks.max_duration(checked) if job.hooks.max_duration else job.limits.max_duration,
        "priority": job.limits.priority,
        "traceparent": tracing.current(),
        "concurrency_key": agency_key(job.task, agency_id) if job.limits.per_agency and agency_id else None,
    }
    fields |= {name: value for name, value in options.items() if value is not None}
    return NewRun(task=job.task, payload=payload, source=source, **fields)


def agency_key(task: str, agency_id: str | None) -> str:
    """The concurrency key of a job with a limit per agency."""
    return f"{task}:{agency_id}"
