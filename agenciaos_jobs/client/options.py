"""Options of a trigger, and how they are sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, TypedDict

from pydantic import BaseModel
from pydantic.alias_generators import to_camel


class TriggerOptions(TypedDict, total=False):
    """The options of a trigger.

    ``delay`` is a time from now, or a moment; ``ttl`` is how long the run may wait for its first start. Durations are
    ``timedelta`` or text such as ``90s`` and ``1h``, ``max_duration`` is in seconds, and ``priority`` in seconds ahead
    of other runs. With ``concurrency_key``, runs of the queue share its limit per key.
    """

    idempotency_key: str
    idempotency_key_ttl: timedelta | str
    delay: timedelta | datetime | str
    ttl: timedelta | str
    tags: Sequence[str]
    priority: int
    max_attempts: int
    max_duration: int
    metadata: Mapping[str, Any]
    queue: str
    concurrency_key: str
    test: bool


def as_wire(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the service reads them. Raises ``TypeError`` for an unknown one."""
    if unknown := options.keys() - TriggerOptions.__annotations__.keys():
        raise TypeError(f"unknown options: {', '.join(sorted(unknown))}")
    return {_wire_name(name): _wire_value(name, value) for name, value in options.items() if value is not None}


def moment_or_duration(value: timedelta | datetime | str) -> str:
    """A duration in whole seconds, or an ISO 8601 moment. Raises ``ValueError`` for a moment without a time zone."""
    if isinstance(value, timedelta):
        return f"{ceil(value.total_seconds())}s"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.isoformat()
    return value


def as_json(payload: Any) -> Any:
    """A payload as JSON; a pydantic model by its aliases."""
    return payload.model_dump(mode="json", by_alias=True) if isinstance(payload, BaseModel) else payload


def _wire_name(name: str) -> str:
    return "idempotencyKeyTTL" if name == "idempotency_key_ttl" else to_camel(name)


def _wire_value(name: str, value: Any) -> Any:
    if name == "queue":
        return {"name": value}
    if name == "tags":
        return list(value)
    return moment_or_duration(value) if isinstance(value, timedelta | datetime) else value
