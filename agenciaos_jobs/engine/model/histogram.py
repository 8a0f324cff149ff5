"""Histograms with logarithmic buckets, whose counts can be added up and give approximate quantiles."""

import math
from dataclasses import dataclass, field

STEPS = 4
"""Buckets per doubling. A quantile is accurate within 19 %, and usually within half of that."""


def bucket_of(milliseconds: float) -> int:
    """The bucket of a time; times under a millisecond are in the first bucket."""
    return math.floor(STEPS * math.log2(max(1.0, milliseconds)))


@dataclass
class Histogram:
    """The number of times in each bucket."""

    counts: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """The quantile ``share`` (0 to 1) in seconds; ``None`` for an empty histogram."""
        wanted, passed = share * self.total, 0
        for bucket, count in sorted(self.counts.items()):
            if passed + count >= wanted:
                into = (wanted - passed) / count
                return float(2 ** ((bucket + into) / STEPS)) / 1000
            passed += count
        return None
