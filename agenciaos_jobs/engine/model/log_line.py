"""A job's log line in the form in which it is stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.storable import encode, storable, text_of

MAX_LINE = 10_000
"""In bytes, of the message and the fields as JSON. What is longer is cut, and ends in ``…``."""
MAX_MESSAGE = 8_000


class NewLogLine(NamedTuple):
    """A line to be stored. ``fields`` is JSON. The order is that of the columns in ``run_logs.insert``."""

    run_id: str
    attempt: int
    logged_at: datetime
    level: str
    message: str
    fields: str


def new_log_line(
    run_id: str, attempt: int, now: datetime, level: str, event: Mapping[str, Any], redactor: Redactor
) -> NewLogLine:
    """The line of a structlog event, with secrets masked. It accepts any value."""
    message = storable(redactor.text(text_of(event.get("event", ""))), MAX_MESSAGE)
    fields = {name: redactor.value(item, name) for name, item in event.items() if name != "event"}
    return NewLogLine(run_id, attempt, now, level, message, _fitted(fields, MAX_LINE - len(message.encode())))


def _fitted(fields: Mapping[str, Any], room: int) -> str:
    """The fields as JSON of at most ``room`` bytes: long ones are cut, or else the JSON as a whole."""
    text = encode(fields)
    if len(text.encode()) <= room:
        return text
    share = room // len(fields) // 3
    short = encode({name: _cut(value, share) for name, value in fields.items()})
    return short if len(short.encode()) <= room else encode({"cut": storable(text, room // 2 - 20)})


def _cut(value: Any, limit: int) -> Any:
    text = value if isinstance(value, str) else encode(value)
    return value if len(text) < limit // 2 else storable(text, limit)
