"""The retention policy: how long runs are kept, and when a month of runs is dropped or compacted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True)
class Retention:
    """The minimum time that a run is kept after its end. ``completed`` applies to canceled runs too."""

    completed: timedelta = timedelta(days=30)
    failed: timedelta = timedelta(days=90)

    def cutoffs(self, now: datetime) -> tuple[datetime, datetime]:
        """The moments before which completed and failed runs, respectively, must have ended to be expired."""
        return now - self.completed, now - self.failed


class Fate(StrEnum):
    """What pruning does with a month of runs."""

    DROPPED = "dropped"
    COMPACTED = "thinned"
    KEPT = "kept"


@dataclass(frozen=True)
class MonthOfRuns:
    """A month's partition: its number of runs, the number expired, and its size in bytes."""

    month: str
    held: int
    expired: int
    bytes: int

    @property
    def fate(self) -> Fate:
        """Dropped if all runs have expired; compacted if at least half have."""
        if self.expired == self.held:
            return Fate.DROPPED
        return Fate.COMPACTED if self.expired * 2 >= self.held else Fate.KEPT
