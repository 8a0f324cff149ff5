"""Requests, counted for Prometheus by plain numbers: the library's counters, with their locks, take five times as long.

Only the event loop counts and only it reads, so there is nothing to lock.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from agenciaos_jobs.foundation.metrics import SERVER

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAMES = (*map(str, _BOUNDS), "+Inf")


class _Durations:
    """How long the requests of one route took: how many fell into each bucket, and all seconds together."""

    def __init__(self) -> None:
        self.counts, self.seconds = [0] * len(_NAMES), 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.seconds += seconds


class _Requests:
    """What this server has answered since it began."""

    def __init__(self) -> None:
        self.answered: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self.took: defaultdict[tuple[str, str], _Durations] = defaultdict(_Durations)

    def collect(self) -> Iterator[Metric]:
        counter = CounterMetricFamily(
            "agenciaos_http_requests", "HTTP requests answered.", labels=["method", "route", "status"]
        )
        for labels, count in self.answered.items():
            counter.add_metric(labels, count)
        yield counter
        histogram = HistogramMetricFamily(
            "agenciaos_http_request_duration_seconds", "Time from request to answer.", labels=["method", "route"]
        )
        for route, durations in self.took.items():
            buckets = list(zip(_NAMES, accumulate(durations.counts), strict=True))
            histogram.add_metric(route, buckets, durations.seconds)
        yield histogram


_REQUESTS = _Requests()
SERVER.register(_REQUESTS)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Counts a request that was answered."""
    _REQUESTS.answered[method, route, str(status)] += 1
    _REQUESTS.took[method, route].add(seconds)
