"""Moments in text from outside."""

from datetime import UTC, datetime

_YEARS = range(1900, 9999)
"""Beyond these a conversion between time zones, in Python or in the database's driver, may overflow."""


def parse_moment(text: str) -> datetime:
    """Parses ISO 8601, without a zone where it has none. Raises :class:`ValueError` outside the years 1900 to 9998."""
    return in_range(datetime.fromisoformat(text))


def from_milliseconds(text: str) -> datetime:
    """Parses unix milliseconds. Raises as :func:`parse_moment`."""
    try:
        return in_range(datetime.fromtimestamp(int(text) / 1000, UTC))
    except (OverflowError, OSError):
        raise ValueError("expected unix milliseconds") from None


def in_range(moment: datetime) -> datetime:
    """The moment. Raises :class:`ValueError` outside the years 1900 to 9998."""
    if moment.year not in _YEARS:
        raise ValueError("expected a year from 1900 to 9998")
    return moment
