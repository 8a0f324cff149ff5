"""When what failed is tried again: as long after as we choose, or as a server asks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True)
class Backoff:
    """Waiting times between attempts, in seconds; the defaults are Trigger.dev's."""

    minimum: float = 1
    maximum: float = 60
    factor: float = 2

    def delay(self, attempt: int, chance: float) -> timedelta:
        """The wait after attempt number ``attempt`` (from 1), with ``chance`` in [0, 1) as its jitter.

        min(maximum, (1 + chance) · minimum · factor^(attempt - 1)), as Trigger.dev documents its retries.
        """
        exponent = min(attempt - 1, 64)
        return timedelta(seconds=min(self.maximum, (1 + chance) * self.minimum * self.factor**exponent))


def retry_after(told: str | None, now: datetime, *, most: timedelta = _LONGEST_WAIT) -> timedelta | None:
    """The wait that a server asks for in ``Retry-After`` (RFC 9110 section 10.2.3), ``most`` at the longest.

    Seconds, with a fraction where a server sends one, or a date. ``None`` for anything else, and for nothing.
    """
    text = (told or "").strip()
    try:
        is_number = text.replace(".", "", 1).isdecimal()
        wait = timedelta(seconds=float(text)) if is_number else parsedate_to_datetime(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), most)
