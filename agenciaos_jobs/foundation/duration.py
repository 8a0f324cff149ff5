"""Durations in Trigger.dev's notation."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "hr": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]{1,9})(w|d|hr|h|m|s)")
_UNITS = frozenset("wdhrms")
_MAX_DURATION = timedelta(days=365 * 5)


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> timedelta:
    """Parses ``90s``, ``1h`` or ``1d2h30m``. Raises :class:`ValueError` for anything else or more than five years."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("expected a duration such as 90s, 1h or 1d2h30m")
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _MAX_DURATION.total_seconds():
        raise ValueError("expected a duration of at most five years")
    return timedelta(seconds=seconds)


def parse_delay(text: str, now: datetime) -> timedelta:
    """Parses a duration, or an ISO 8601 moment (UTC by default) to wait for. A moment in the past is a zero delay."""
    if text[-1:] in _UNITS:
        return parse_duration(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return parse_duration(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = moment - now
    if wait > _MAX_DURATION:
        raise ValueError("expected a moment at most five years ahead")
    return max(wait, timedelta())


def write_duration(time: timedelta) -> str:
    """Formats whole seconds in the largest unit that divides them, such as ``90m`` or ``1d``."""
    seconds = round(time.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"
