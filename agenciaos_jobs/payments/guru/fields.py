"""Lenient parsers for single values of Guru's bodies, which come in several forms. None of them raises."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from agenciaos_jobs.foundation.clock import SAO_PAULO, in_milliseconds
from agenciaos_jobs.foundation.storable import storable

MAX_TEXT = 191

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEARS = range(2000, 2200)


def part(body: Any, *path: str) -> Any:
    """The value at a path; ``None`` if any object on the way is missing or came as ``[]``."""
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def text(value: Any) -> str | None:
    """A text, or an integer as text, cut to :data:`MAX_TEXT` characters; ``None`` if empty."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    plain = storable(str(value)) if isinstance(value, str) or abs(value) < 10**40 else ""
    return plain.strip()[:MAX_TEXT] or None


def first_text(*values: Any) -> str | None:
    return next((found for value in values if (found := text(value))), None)


def word(value: Any) -> str:
    """A status in lower case; empty if missing."""
    return (text(value) or "").lower()


def flag(value: Any) -> bool:
    """A boolean: ``true``, or 1 as a number or text."""
    return value is True or (not isinstance(value, bool) and text(value) in {"1", "true"})


def count(value: Any) -> int | None:
    """A whole number of up to six digits, also as text."""
    plain = text(value)
    return int(plain) if plain and plain.isascii() and plain.isdigit() and len(plain) < 7 else None


def money(value: Any) -> Decimal | None:
    """An amount in reais, exactly as written."""
    if isinstance(value, bool) or not isinstance(value, Decimal | float | int | str):
        return None
    try:
        amount = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        return None
    if not amount.is_finite() or amount.adjusted() > 15 or int(amount.as_tuple().exponent) < -10:
        return None
    return amount


def currency(value: Any) -> str | None:
    """An ISO 4217 code, such as BRL."""
    code = (text(value) or "").upper()
    return code if len(code) == 3 and code.isascii() and code.isalpha() else None


def moment(value: Any) -> datetime | None:
    """A moment in UTC, from ISO 8601 (UTC if it has no zone), a date (its start in São Paulo) or Unix seconds."""
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
    """The end of a period; a date means the end of that day in São Paulo."""
    found = moment(value)
    if found and isinstance(value, str) and _DAY.fullmatch(value.strip()):
        return (found.astimezone(SAO_PAULO) + timedelta(days=1)).astimezone(UTC)
    return found


def newest(*values: datetime | None) -> datetime | None:
    return max((value for value in values if value), default=None)
