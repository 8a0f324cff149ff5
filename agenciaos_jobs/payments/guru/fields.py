"""Single values of Digital Manager Guru's bodies, which come in several forms: none of these functions ever raises."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from agenciaos_jobs.foundation.clock import SAO_PAULO, in_milliseconds
from agenciaos_jobs.foundation.database import storable

LONGEST_TEXT = 191

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEARS = range(2000, 2200)


def part(body: Any, *path: str) -> Any:
    """What stands at a path; an object that is missing, or came as ``[]``, has nothing in it."""
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def text(value: Any) -> str | None:
    """A short text, or a number as one; ``None`` for an empty one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    plain = storable(str(value)) if isinstance(value, str) or abs(value) < 10**40 else ""
    return plain.strip()[:LONGEST_TEXT] or None


def first_text(*values: Any) -> str | None:
    return next((found for value in values if (found := text(value))), None)


def word(value: Any) -> str:
    """A status, folded."""
    return (text(value) or "").lower()


def flag(value: Any) -> bool:
    """0 and 1, or true and false, also as text."""
    return value is True or (not isinstance(value, bool) and text(value) in {"1", "true"})


def count(value: Any) -> int | None:
    """A small whole number, also as text."""
    plain = text(value)
    return int(plain) if plain and plain.isascii() and plain.isdigit() and len(plain) < 7 else None


def money(value: Any) -> Decimal | None:
    """An amount in reais, exactly as it was written."""
    if isinstance(value, bool) or not isinstance(value, Decimal | float | int | str):
        return None
    try:
        amount = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        return None
    if not amount.is_finite() or amount.adjusted() > 15 or int(amount.as_tuple().exponent) < -10:
        return None
    return amount


def moment(value: Any) -> datetime | None:
    """ISO 8601 with or without a zone (UTC then), a date (its first moment in São Paulo), or unix seconds."""
    try:
        if isinstance(value, str) and _DAY.fullmatch(value.strip()):
            found = datetime.combine(date.fromisoformat(value.strip()), time(), SAO_PAULO)
        elif isinstance(value, str) and not value.strip().isdigit():
            found = datetime.fromisoformat(value.strip())
        else:
            seconds = str(value) if isinstance(value, Decimal | float) else text(value)
            found = datetime.fromtimestamp(float(seconds or "nan"), UTC)
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return in_milliseconds(found) if found.year in _YEARS else None


def end(value: Any) -> datetime | None:
    """When a period is over: a date counts to its last moment in São Paulo."""
    found = moment(value)
    if found and isinstance(value, str) and _DAY.fullmatch(value.strip()):
        return (found.astimezone(SAO_PAULO) + timedelta(days=1)).astimezone(UTC)
    return found


def newest(*values: datetime | None) -> datetime | None:
    return max((value for value in values if value), default=None)
