"""Options of a trigger by Trigger.dev's SDK."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from agenciaos_jobs.engine.debouncing import Debounce
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.metadata import require_acceptable
from agenciaos_jobs.foundation import json_input
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.http.fields import MAX_TTL, read_delay, read_ttl
from agenciaos_jobs.http.problems import wrong_field

NO_LIMIT = 2**31 - 1
"""The SDK's ``timeout.None``."""


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _as_text(given: Any) -> Any:
    return str(given) if isinstance(given, int | float) and not isinstance(given, bool) else given


def _unwrapped(queue: Any) -> Any:
    """The queue without the extra level that SDK 4.x adds to an object; a plain name becomes an object."""
    if isinstance(queue, str):
        return {"name": queue}
    return queue["name"] if isinstance(queue, dict) and isinstance(queue.get("name"), dict) else queue


def _as_object(metadata: Any) -> Any:
    try:
        return json_input.parse(metadata) if isinstance(metadata, str) else metadata
    except orjson.JSONDecodeError:
        return metadata
    except InvalidFieldsError as error:
        raise _as_pydantic(error) from None


def _acceptable(metadata: Json) -> Json:
    try:
        require_acceptable(metadata)
    except InvalidFieldsError as error:
        raise _as_pydantic(error) from None
    return metadata


def _as_pydantic(error: InvalidFieldsError) -> PydanticCustomError:
    """The error for a validator to raise: pydantic adds the field's place to it."""
    (wrong,) = error.fields
    return PydanticCustomError(wrong.code, wrong.english, {**wrong.context})


def _refused(_: Any) -> Any:
    raise PydanticCustomError("not_supported", "is not supported here")


Key = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
ConcurrencyKey = Annotated[str, StringConstraints(min_length=1, max_length=512), BeforeValidator(_as_text)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Tags = Annotated[list[Tag], BeforeValidator(_as_list), Field(max_length=10)]
Metadata = Annotated[Json, BeforeValidator(_as_object), AfterValidator(_acceptable)]
Duration = Annotated[str, StringConstraints(min_length=1, max_length=100)]
PayloadType = Literal["application/super+json", "application/json", "text/plain", "application/store"]
Machine = Literal["micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
IGNORED = Field(default=None, description="accepted, and of no effect here")
Refused = Annotated[Any, BeforeValidator(_refused), Field(description="not supported here: 422", json_schema_extra={})]


class WireModel(BaseModel):
    """A request or response model with camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Queue(WireModel):
    """The queue whose runs share a limit: per concurrency key, or all runs of the queue without one."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    concurrency_limit: Annotated[int, Field(ge=1, le=100_000)] | None = None


class DebounceOptions(WireModel):
    """Triggers of a task with the same key push its delayed run back, by ``delay`` each, instead of making another."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    delay: Duration
    mode: Literal["leading", "trailing"] = "leading"
    max_delay: Duration | None = None

    def read(self, where: str) -> Debounce:
        """Raises 422 for an invalid duration; ``where`` is the path of these options in the body."""
        delay = read_ttl(self.delay, f"{where}.delay") or timedelta()
        if delay < timedelta(seconds=1):
            raise wrong_field(f"{where}.delay", "delay_too_short", "should be at least 1s")
        return Debounce(self.key, delay, self.mode == "trailing", read_ttl(self.max_delay, f"{where}.maxDelay"))


class KeyOptions(WireModel):
    """The idempotency key as its caller wrote it; the SDK sends its hash as the key."""

    key: Key


class TaskOptions(WireModel):
    """The options of a trigger. Options without effect here are accepted; those that promise a feature are refused."""

    payload_type: PayloadType | None = None
    queue: Annotated[Queue, BeforeValidator(_unwrapped)] | None = None
    concurrency_key: ConcurrencyKey | None = None
    idempotency_key: Key | None = None
    idempotency_key_ttl: Duration | None = Field(default=None, alias="idempotencyKeyTTL")
    idempotency_key_options: KeyOptions | None = None
    delay: Duration | None = None
    ttl: Annotated[int, Field(ge=1, le=MAX_TTL)] | Duration | None = None
    tags: Tags | None = None
    max_attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    max_duration: Annotated[int, Field(ge=5, le=NO_LIMIT)] | None = None
    metadata: Metadata | None = None
    priority: Annotated[float, Field(ge=0, le=MAX_TTL)] | None = None
    test: bool | None = None
    machine: Machine | None = IGNORED
    lock_to_version: Name | None = IGNORED
    region: Name | None = IGNORED
    debounce: DebounceOptions | None = None
    gates: Refused = None
    concurrency: Refused = None

    def as_run_options(self, task: str, now: datetime, where: str) -> Json:
        """The options of :class:`NewRun`. ``where`` is the path of these options in the body, for a 422."""
        where = f"{where}." if where else ""
        shown = self.idempotency_key_options
        return {
            "delay": read_delay(self.delay, now, f"{where}delay") if self.delay else None,
            "ttl": read_ttl(self.ttl, f"{where}ttl"),
            "tags": None if self.tags is None else tuple(dict.fromkeys(self.tags)),
            "max_attempts": self.max_attempts,
            "max_duration": self.max_duration,
            "metadata": self.metadata,
            "priority": None if self.priority is None else round(self.priority),
            "is_test": self.test,
            "idempotency_key": self.idempotency_key,
            "idempotency_ttl": read_ttl(self.idempotency_key_ttl, f"{where}idempotencyKeyTTL"),
            "shown_key": shown.key if shown and self.idempotency_key else None,
            "queue": self.queue.name if self.queue else None,
            **self._limit(task),
        }

    def _limit(self, task: str) -> Json:
        limit = self.queue.concurrency_limit if self.queue else None
        if self.concurrency_key is None and limit is None:
            return {}
        name = self.queue.name if self.queue else f"task/{task}"
        shared = f"{name}:{self.concurrency_key}" if self.concurrency_key else name
        return {"concurrency_key": shared, "concurrency_limit": limit}
