"""Quantiles out of counts: exact enough to read, and counts can be added up."""

import math
from dataclasses import dataclass, field

STEPS = 4
"""Buckets for each doubling: a quantile is right within 19 %, and mostly within half of that."""


def bucket_of(milliseconds: float) -> int:
    """The bucket that a time falls into; shorter ones than a millisecond are in the first."""
    return math.floor(STEPS * math.log2(max(1.0, milliseconds)))


@dataclass
class Histogram:
    """How many times fell into each bucket."""

    counts: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """The time in seconds that ``share`` of all are no longer than; ``None`` where there are none."""
        wanted, passed = share * self.total, 0
        for bucket, count in sorted(self.counts.items()):
            if passed + count >= wanted:
                into = (wanted - passed) / count
                return float(2 ** ((bucket + into) / STEPS)) / 1000
            passed += count
        return None
