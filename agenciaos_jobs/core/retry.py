"""When a failed attempt is tried again."""

from dataclasses import dataclass
from datetime import timedelta


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
