"""Backoff between attempts, and the ``Retry-After`` header."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

_MAX_WAIT = timedelta(hours=1)


@dataclass(frozen=True)
class Backoff:
    """Exponential backoff between attempts, in seconds. The defaults are Trigger.dev's."""

    minimum: float = 1
    maximum: float = 60
    factor: float = 2

    def delay(self, attempt: int, chance: float) -> timedelta:
        """The wait after attempt number ``attempt`` (from 1), with ``chance`` in [0, 1) as its jitter.

        min(maximum, (1 + chance) · minimum · factor^(attempt - 1)), as Trigger.dev documents its retries.
        """
        exponent = min(attempt - 1, 64)
        return timedelta(seconds=min(self.maximum, (1 + chance) * self.minimum * self.factor**exponent))


def retry_after(header: str | None, now: datetime, *, max_wait: timedelta = _MAX_WAIT) -> timedelta | None:
    """The wait in a ``Retry-After`` header (RFC 9110 section 10.2.3), limited to ``max_wait``.

    Accepts seconds, also with a fraction, or a date. ``None`` if the header is missing or malformed.
    """
    text = (header or "").strip()
    try:
        is_number = text.replace(".", "", 1).isdecimal()
        wait = timedelta(seconds=float(text)) if is_number else parsedate_to_datetime(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), max_wait)
