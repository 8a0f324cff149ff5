"""What calls return. Unknown fields of a response are ignored, so that a newer service suits an older client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class RunError(_Model):
    """The error of a run or an attempt; ``name`` is its code or type."""

    message: str
    name: str | None = None
    stack_trace: str | None = None


class Attempt(_Model):
    """An attempt; ``status`` is EXECUTING, COMPLETED, FAILED or CANCELED."""

    id: str
    status: str
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error: RunError | None = None


class Run(_Model):
    """A run. ``status`` is DELAYED, QUEUED, EXECUTING, or a final one, of which COMPLETED alone is a success.

    Runs of a list have no ``payload``, ``output``, ``error`` and ``attempts``.
    """

    id: str
    status: str
    task_identifier: str
    is_completed: bool
    is_success: bool
    is_test: bool
    idempotency_key: str | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    delayed_until: datetime | None = None
    ttl: str | None = None
    tags: list[str]
    metadata: dict[str, Any] | None = None
    cost_in_cents: float
    duration_ms: int
    batch_id: str | None = None
    payload: Any = None
    output: Any = None
    error: RunError | None = None
    attempts: list[Attempt] = []
    attempt_count: int = 0

    def output_as(self, kind: type[T]) -> T:
        """The output as a pydantic model or any other type; raises pydantic's ``ValidationError`` if it is none."""
        return TypeAdapter(kind).validate_python(self.output)


class RunHandle(_Model):
    """The run that a call made or acted on; ``is_cached`` if an earlier call with the same key had made it."""

    id: str
    is_cached: bool = False


class BatchHandle(_Model):
    """A batch and its runs in the order of the items."""

    id: str
    is_cached: bool
    run_count: int
    runs: list[RunHandle]


class _Pagination(_Model):
    next: str | None = None
    previous: str | None = None


class Page(_Model):
    """Runs, newest first. Give ``next`` as ``after`` for older ones, ``previous`` as ``before`` for newer ones."""

    data: list[Run]
    pagination: _Pagination

    @property
    def next(self) -> str | None:
        return self.pagination.next

    @property
    def previous(self) -> str | None:
        return self.pagination.previous


class ScheduleGenerator(_Model):
    """The cron expression, and its description."""

    expression: str
    description: str


class Schedule(_Model):
    """A schedule; ``next_run`` is absent while it is inactive. A DECLARATIVE one is declared in a job's code."""

    id: str
    type: str
    task: str
    active: bool
    deduplication_key: str | None = None
    external_id: str | None = None
    generator: ScheduleGenerator
    timezone: str
    next_run: datetime | None = None


class _SchedulePagination(_Model):
    current_page: int
    total_pages: int
    count: int


class SchedulePage(_Model):
    """A page of schedules, newest first."""

    data: list[Schedule]
    pagination: _SchedulePagination


@dataclass(frozen=True)
class BatchItem:
    """A run to trigger as a part of a batch; ``options`` are :class:`TriggerOptions`."""

    task: str
    payload: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
