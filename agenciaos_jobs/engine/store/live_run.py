"""The representation of a run for live subscribers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import Status


@dataclass(frozen=True)
class LiveRun:
    """A run as live subscribers see it. ``seconds`` and ``dollars`` are the duration and cost of its attempts."""

    id: str
    task: str
    status: Status
    payload: Any
    output: Any
    error: Json | None
    tags: list[str]
    idempotency_key: str | None
    metadata: Json | None
    is_test: bool
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    delayed_until: datetime | None
    expires_at: datetime | None
    finished_at: datetime | None
    seconds: float
    dollars: float
