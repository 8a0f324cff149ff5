"""Fixed-window rate limiting."""

from dataclasses import dataclass
from math import ceil

WINDOW = 10
"""The length of a window in seconds."""


@dataclass(frozen=True)
class Quota:
    """A caller's remaining quota, which resets in ``seconds``. A negative ``remaining`` means that it is exceeded."""

    limit: int
    remaining: int
    seconds: int


class FixedWindow:
    """Counts requests by caller in windows of :data:`WINDOW` seconds. Only the current window is kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._counts: dict[str, int] = {}
        self._window = -1

    def hit(self, caller: str, seconds: float) -> Quota:
        """Counts a request of this caller. ``seconds`` is the reading of a monotonic clock."""
        window = int(seconds // WINDOW)
        if window != self._window:
            self._window = window
            self._counts.clear()
        taken = self._counts[caller] = self._counts.get(caller, 0) + 1
        return Quota(self.limit, self.limit - taken, ceil((window + 1) * WINDOW - seconds))

    def give_back(self, caller: str) -> None:
        """Takes back one request of this caller from the current window."""
        if self._counts.get(caller):
            self._counts[caller] -= 1
