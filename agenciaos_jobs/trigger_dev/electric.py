"""ElectricSQL's shape protocol, by which Trigger.dev's SDKs subscribe: rows as Postgres text, in messages.

The protocol is https://electric-sql.com/docs/api/http; the columns are those that the SDKs read of a run.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.live import LiveRun
from agenciaos_jobs.foundation.duration import write_duration
from agenciaos_jobs.trigger_dev.run_errors import code_of, message_of

BEGINNING = "-1"
"""The offset of a subscriber that has received nothing yet."""

UP_TO_DATE: Json = {"headers": {"control": "up-to-date"}}
MUST_REFETCH: Json = {"headers": {"control": "must-refetch"}}

NEEDED = frozenset({"id", "taskIdentifier", "friendlyId", "status", "createdAt", "updatedAt"})
"""The columns that the SDKs require in a row; they cannot be skipped."""

_TEXT: Json = {"type": "text"}
_TIME: Json = {"type": "timestamp"}
_WHOLE: Json = {"type": "int4", "not_null": True}
_NUMBER: Json = {"type": "float8", "not_null": True}

SCHEMA: dict[str, Json] = {
    "id": {"type": "text", "pk_index": 0, "not_null": True},
    "friendlyId": {"type": "text", "not_null": True},
    "taskIdentifier": {"type": "text", "not_null": True},
    "status": {"type": "text", "not_null": True},
    "number": _WHOLE,
    "isTest": {"type": "bool", "not_null": True},
    "createdAt": {"type": "timestamp", "not_null": True},
    "updatedAt": {"type": "timestamp", "not_null": True},
    "startedAt": _TIME,
    "delayUntil": _TIME,
    "queuedAt": _TIME,
    "expiredAt": _TIME,
    "completedAt": _TIME,
    "idempotencyKey": _TEXT,
    "usageDurationMs": _WHOLE,
    "costInCents": _NUMBER,
    "baseCostInCents": _NUMBER,
    "payload": _TEXT,
    "payloadType": _TEXT,
    "output": _TEXT,
    "outputType": _TEXT,
    "metadata": _TEXT,
    "metadataType": _TEXT,
    "ttl": _TEXT,
    "runTags": {"type": "text", "dims": 1, "not_null": True},
    "error": {"type": "jsonb"},
}

_STATUSES = {
    Status.QUEUED: "PENDING",
    Status.COMPLETED: "COMPLETED_SUCCESSFULLY",
    Status.FAILED: "COMPLETED_WITH_ERRORS",
}
"""Status names of Trigger.dev's table, where they differ from those of its API."""


def change(run: LiveRun, operation: str, skipped: Collection[str], *, shows_stack: bool = True) -> Json:
    """The message with a run's full row; ``operation`` is ``insert`` or ``update``.

    ``shows_stack`` is false for holders of public tokens: a traceback shows the inside of the service.
    """
    value = {name: text for name, text in _row(run, shows_stack).items() if name not in skipped or name in NEEDED}
    headers = {"operation": operation, "relation": ["jobs", "runs"]}
    return {"key": f'"jobs"."runs"/"{run.id}"', "value": value, "headers": headers}


def schema(skipped: Collection[str]) -> Json:
    return {name: kind for name, kind in SCHEMA.items() if name not in skipped or name in NEEDED}


def is_cursor(offset: str) -> bool:
    """Whether an offset is a Postgres snapshot (``xmin:xmax:xip,…``), the form of our cursors."""
    parts = offset.split(":")
    if len(parts) != 3 or not offset.isascii():
        return False
    numbers = [*parts[:2], *(parts[2].split(",") if parts[2] else [])]
    if not all(number.isdigit() and len(number) < 19 for number in numbers):
        return False
    first, last, *running = map(int, numbers)
    return 0 < first <= last and all(first <= number < last for number in running) and running == sorted(set(running))


def _row(run: LiveRun, shows_stack: bool) -> Mapping[str, str | None]:
    due_at = run.delayed_until or run.created_at
    return {
        "id": run.id,
        "friendlyId": run.id,
        "taskIdentifier": run.task,
        "status": _STATUSES.get(run.status, run.status),
        "number": "0",
        "isTest": "t" if run.is_test else "f",
        "createdAt": _time(run.created_at),
        "updatedAt": _time(run.updated_at),
        "startedAt": _time(run.started_at),
        "delayUntil": _time(run.delayed_until),
        "queuedAt": _time(None if run.status is Status.DELAYED else due_at),
        "expiredAt": _time(run.finished_at if run.status is Status.EXPIRED else None),
        "completedAt": _time(run.finished_at),
        "idempotencyKey": run.idempotency_key,
        "usageDurationMs": str(round(run.seconds * 1000)),
        "costInCents": str(run.dollars * 100),
        "baseCostInCents": "0",
        "payload": _json(run.payload),
        "payloadType": "application/json",
        "output": _json(run.output),
        "outputType": "application/json",
        "metadata": _json(run.metadata),
        "metadataType": "application/json",
        "ttl": write_duration(run.expires_at - due_at) if run.expires_at else None,
        "runTags": _array(run.tags),
        "error": _error(run, shows_stack),
    }


def _time(moment: datetime | None) -> str | None:
    """The timestamp without its zone, UTC: the SDKs append a Z."""
    if moment is None:
        return None
    assert moment.utcoffset() == timedelta()
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _array(texts: Collection[str]) -> str:
    """An array in Postgres's text form."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


def _error(run: LiveRun, shows_stack: bool) -> str | None:
    """The error in Portuguese: all subscribers of a run get the same message."""
    if run.error is None:
        return None
    message = message_of(run.task, run.error, "pt")
    stack = run.error.get("stack", "") if shows_stack else ""
    return _json({"type": "BUILT_IN_ERROR", "name": code_of(run.error), "message": message, "stackTrace": stack})
