"""Prometheus metrics.

A server counts its own requests and measures its own process: memory, event loop, connections. The workers' counters
are added up in ``jobs.metric_totals`` (see engine/worker/heartbeat.py), so any server's ``/metrics`` covers all workers
and no worker needs to be scraped.

A job defines its own metric in one line, ``REPORTS = metrics.counter("agenciaos_reports_total", "Reports made.")``,
and counts with ``REPORTS.inc()``. The rules for names are https://prometheus.io/docs/practices/naming/.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

disable_created_metrics()  # type: ignore[no-untyped-call]

SERVER = CollectorRegistry()
WORKER = CollectorRegistry()
PROCESS = CollectorRegistry()

_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_LONG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


def counter(name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
    """A counter of workers; ``name`` ends in ``_total``."""
    return Counter(name, meaning, labels, registry=WORKER)


def histogram(name: str, meaning: str, labels: Sequence[str] = (), buckets: Sequence[float] = _LONG) -> Histogram:
    """A histogram of workers; ``name`` ends in its unit, such as ``_seconds``."""
    return Histogram(name, meaning, labels, buckets=buckets, registry=WORKER)


ProcessCollector(registry=PROCESS)
PlatformCollector(registry=PROCESS)
LOOP_LAG = Histogram(
    "agenciaos_event_loop_lag_seconds",
    "How late the event loop wakes what is due.",
    buckets=_SHORT,
    registry=PROCESS,
)

REQUESTS = Counter(
    "agenciaos_http_requests_total", "HTTP requests answered.", ["method", "route", "status"], registry=SERVER
)
REQUEST_SECONDS = Histogram(
    "agenciaos_http_request_duration_seconds",
    "Time from request to answer.",
    ["method", "route"],
    buckets=(*_SHORT, 10),
    registry=SERVER,
)
RATE_LIMITED = Counter(
    "agenciaos_rate_limited_total", "Requests refused with 429, by what limit.", ["policy"], registry=SERVER
)
CONNECTIONS_CLOSED = Counter(
    "agenciaos_connections_closed_total",
    "Connections of clients closed by a limit: total, half_open or timeout.",
    ["reason"],
    registry=SERVER,
)
WEBHOOKS = Counter("agenciaos_webhooks_total", "Webhooks received.", ["source", "outcome"], registry=SERVER)

RUNS = counter("agenciaos_runs_total", "Attempts ended, by what became of their runs.", ["task", "outcome"])
STARTS = counter("agenciaos_run_starts_total", "Attempts begun, or gone on with after standing by.", ["task"])
RUN_SECONDS = histogram("agenciaos_run_duration_seconds", "Time from an attempt's start to its end.", ["task"])
WAIT_SECONDS = histogram(
    "agenciaos_run_wait_seconds", "Time from when a run was due to the start of its attempt.", ["task"]
)
RESCUER_REPAIRS = counter("agenciaos_sweeper_repairs_total", "Runs that the rescuer repaired.", ["kind"])
ALERTS = counter(
    "agenciaos_alerts_total", "Notifications of alerts, by kind: first, more, still or over.", ["kind", "telling"]
)
ALERT_DELIVERIES = counter(
    "agenciaos_alert_deliveries_total", "Alerts that a channel took or refused.", ["channel", "outcome"]
)
LOOP_LATE = counter(
    "agenciaos_event_loop_late_total", "Times that the event loop of a server or worker was over half a second late."
)
LEASES_LOST = counter("agenciaos_leases_lost_total", "Workers whose lease ran out in the middle of their runs.")

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels]


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Counts a completed request and its duration."""
    requests, durations = _request_metrics(method, route, status)
    requests.inc()
    durations.observe(seconds)


@cache
def _request_metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The two metrics with these labels, cached because the lookup takes longer than counting."""
    return REQUESTS.labels(method, route, status), REQUEST_SECONDS.labels(method, route)


def counted(registry: CollectorRegistry) -> dict[Sample, float]:
    """The samples of a registry of counters and histograms."""
    samples = (sample for metric in registry.collect() for sample in metric.samples)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for sample in samples
        if not sample.name.endswith("_created")
    }


class Totals:
    """A collector for the totals of the workers' samples."""

    def __init__(self, totals: Mapping[Sample, float]) -> None:
        """Samples without labels start at 0, so that Prometheus sees their first increase."""
        unlabelled = {sample: 0.0 for sample in counted(WORKER) if not sample[1]}
        self._totals = unlabelled | dict(totals)

    def collect(self) -> Iterator[Metric]:
        for metric in WORKER.collect():
            if metric.type == "histogram":
                yield self._histogram(metric)
            else:
                yield self._counter(metric)

    def _counter(self, metric: Metric) -> Metric:
        family = CounterMetricFamily(metric.name, metric.documentation)
        for (name, labels), value in self._totals.items():
            if name == f"{metric.name}_total":
                family.add_sample(name, dict(labels), value)
        return family

    def _histogram(self, metric: Metric) -> Metric:
        family = HistogramMetricFamily(metric.name, metric.documentation)
        own = [
            (name, labels, value)
            for (name, labels), value in self._totals.items()
            if name.startswith(metric.name + "_")
        ]
        for name, labels, value in sorted(own, key=_bucket_order):
            family.add_sample(name, dict(labels), value)
        return family


class Present:
    """A collector for gauges by name, each with its meaning and current value."""

    def __init__(self, gauges: Mapping[str, tuple[str, float]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        for name, (meaning, value) in self._gauges.items():
            yield GaugeMetricFamily(name, meaning, value=value)


def connections(size: int, idle: int, limit: int) -> Mapping[str, tuple[str, float]]:
    """The gauges of a connection pool."""
    return {
        "agenciaos_database_connections": ("Connections to Postgres that are open.", size),
        "agenciaos_database_connections_busy": ("Those of them that are in use.", size - idle),
        "agenciaos_database_connections_max": ("How many there may be (DATABASE_POOL_SIZE).", limit),
    }


def text(*registries: CollectorRegistry, present: Sequence[Collector] = ()) -> bytes:
    """Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    combined = CollectorRegistry(auto_describe=False)
    for collector in present:
        combined.register(collector)
    return b"".join(generate_latest(registry) for registry in (*registries, combined))


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def watch_loop() -> None:
    """Measures the event loop's lag twice a second, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _SAMPLE_INTERVAL
        await asyncio.sleep(_SAMPLE_INTERVAL)
        lag = max(0.0, loop.time() - due)
        LOOP_LAG.observe(lag)
        if lag > _LATE:
            LOOP_LATE.inc()


_SAMPLE_INTERVAL = 0.5
_LATE = 0.5


def _bucket_order(sample: tuple[str, Labels, float]) -> tuple[Labels, str, float]:
    name, labels, _ = sample
    bound = float(dict(labels).get("le", "0").replace("+Inf", "inf"))
    return tuple(pair for pair in labels if pair[0] != "le"), name, bound
