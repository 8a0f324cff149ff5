"""Request and response models of bulk actions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from agenciaos_jobs.engine.store import bulk
from agenciaos_jobs.trigger_dev import run_list as listing
from agenciaos_jobs.trigger_dev.options import WireModel

MAX_RUNS = 10_000
"""The most runs of one bulk action."""


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]


Texts = Annotated[list[str], BeforeValidator(_listed), Field(max_length=100)]


class QueueName(WireModel):
    """A task's own queue, or one that triggers named."""

    type: Literal["task", "custom"]
    name: str


class BulkFilter(WireModel):
    """The filter of ``runs.list``; at least one criterion. No run has a version, machine, region or bulk action."""

    status: Annotated[list[str], BeforeValidator(_listed)] | None = None
    task_identifier: Texts | None = None
    tag: Texts | None = None
    queue: Annotated[list[QueueName], BeforeValidator(_listed)] | None = None
    schedule: str | None = None
    batch: str | None = None
    is_test: bool | None = None
    from_: datetime | int | None = Field(default=None, alias="from")
    to: datetime | int | None = None
    period: str | None = None
    version: Texts | None = None
    machine: Texts | None = None
    region: Texts | None = None
    bulk_action: str | None = None


class BulkCreation(WireModel):
    """The runs to act on: exactly one of ``filter`` and ``runIds``."""

    action: bulk.Action
    filter: BulkFilter | None = None
    run_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_RUNS)] | None = None
    name: Annotated[str, Field(max_length=255)] | None = None
    target_region: str | None = None


class BulkHandle(WireModel):
    """The bulk action."""

    id: str


class BulkCounts(WireModel):
    """How many runs it concerns, and how many were acted on. A run that had ended is a success of ``cancel``."""

    total: int
    success: int
    failure: int


class BulkObject(WireModel):
    """A bulk action and its progress."""

    id: str
    name: str | None = None
    type: Literal["CANCEL", "REPLAY"]
    status: Literal["PENDING", "COMPLETED", "ABORTED"]
    counts: BulkCounts
    created_at: datetime
    completed_at: datetime | None = None


class BulkList(WireModel):
    """Bulk actions of the last 30 days, newest first."""

    data: list[BulkObject]
    pagination: listing.RunPagination
