"""How much a caller may ask for in a while."""

from dataclasses import dataclass
from math import ceil

WINDOW = 10
"""Seconds over which requests are counted."""


@dataclass(frozen=True)
class Quota:
    """What is left of a limit for one caller; ``seconds`` later it is whole again. Below 0 is too much."""

    limit: int
    remaining: int
    seconds: int


class FixedWindow:
    """Counts callers' requests in windows of :data:`WINDOW` seconds; nothing is remembered beyond one."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._counts: dict[str, int] = {}
        self._window = -1

    def take(self, caller: str, seconds: float) -> Quota:
        """One request more of this caller's; ``seconds`` is any clock that only goes on."""
        window = int(seconds // WINDOW)
        if window != self._window:
            self._window = window
            self._counts.clear()
        taken = self._counts[caller] = self._counts.get(caller, 0) + 1
        return Quota(self.limit, self.limit - taken, ceil((window + 1) * WINDOW - seconds))
