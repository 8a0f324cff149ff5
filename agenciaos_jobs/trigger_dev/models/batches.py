"""Request and response models of batches."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from agenciaos_jobs.trigger_dev.options import Key, KeyOptions, Refused, TaskOptions, WireModel
from agenciaos_jobs.trigger_dev.trigger import TaskTrigger

MAX_ITEMS = 1_000


class ItemOptions(TaskOptions):
    """The options of an item, which cannot be debounced: a batch has the runs that it was made with."""

    debounce: Refused = None


class BatchItem(TaskTrigger):
    """An item of a batch of one task."""

    options: ItemOptions = ItemOptions()


class BatchTrigger(BatchItem):
    """An item of a batch."""

    task: str


class BatchRequest(WireModel):
    """A batch with all of its items."""

    items: list[BatchTrigger] = Field(min_length=1, max_length=MAX_ITEMS)


class TaskBatchRequest(WireModel):
    """A batch of one task, as SDK 3.0 to 3.2 send it."""

    items: list[BatchItem] = Field(min_length=1, max_length=MAX_ITEMS)


class TaskBatchHandle(WireModel):
    """A batch of one task, and its runs in the items' order."""

    batch_id: str
    runs: list[str]


class BatchRun(WireModel):
    """The run of an item; ``isCached`` where an idempotency key had created it before."""

    id: str
    task_identifier: str
    is_cached: bool
    idempotency_key: str | None = None


class BatchHandle(WireModel):
    """A batch that was triggered as a whole; ``isCached`` where its key had created it before."""

    id: str
    is_cached: bool
    idempotency_key: str | None = None
    run_count: int
    runs: list[BatchRun]


class BatchCreate(WireModel):
    """A batch whose items are sent later."""

    run_count: Annotated[int, Field(ge=1, le=MAX_ITEMS)]
    task_identifiers: list[str] = Field(default=[])
    idempotency_key: Key | None = None
    idempotency_key_options: KeyOptions | None = None


class BatchCreated(WireModel):
    """A batch that accepts items, unless ``isCached``: then it has all of them."""

    id: str
    run_count: int
    is_cached: bool
    idempotency_key: str | None = None


class BatchLine(BatchTrigger):
    """One line of a stream of items. ``index`` starts at 0; an item that is sent again is skipped."""

    index: Annotated[int, Field(ge=0, lt=MAX_ITEMS)]


class BatchStreamed(WireModel):
    """The result of a stream; ``sealed`` once the batch has all of its items."""

    id: str
    items_accepted: int
    items_deduplicated: int
    sealed: bool
    enqueued_count: int
    expected_count: int
    runs: list[str] = Field(description="The runs of the items that are there, in the items' order")


class BatchState(WireModel):
    """A batch; COMPLETED once all of its runs have ended."""

    id: str
    status: str
    idempotency_key: str | None = None
    created_at: datetime
    updated_at: datetime
    run_count: int
    runs: list[str]
    processing: dict[str, Any]
