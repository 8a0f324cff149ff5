"""How long runs are kept, and what becomes of a month that is old enough."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True)
class Retention:
    """How long a run is kept after its end, at least; ``completed`` holds for canceled runs too."""

    completed: timedelta = timedelta(days=30)
    failed: timedelta = timedelta(days=90)

    def cutoffs(self, now: datetime) -> tuple[datetime, datetime]:
        """Completed and failed runs that ended before these moments have expired."""
        return now - self.completed, now - self.failed


class Fate(StrEnum):
    """What becomes of a month's runs."""

    DROPPED = "dropped"
    COMPACTED = "thinned"
    KEPT = "kept"


@dataclass(frozen=True)
class MonthOfRuns:
    """A month's partition: its runs, those of them that have expired, and its size in all."""

    month: str
    held: int
    expired: int
    bytes: int

    @property
    def fate(self) -> Fate:
        """Dropped where nothing must stay; thinned where that takes away at least half."""
        if self.expired == self.held:
            return Fate.DROPPED
        return Fate.COMPACTED if self.expired * 2 >= self.held else Fate.KEPT
