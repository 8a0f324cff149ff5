"""Prometheus metrics.

A server counts its own requests. What workers count is added up in ``jobs.metric_totals`` (see engine/heartbeat.py), so
that any server's ``/metrics`` tells of all workers, also where workers can't be scraped.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from agenciaos_jobs.core.content import Usage

SERVER = CollectorRegistry()
WORKER = CollectorRegistry()

REQUESTS = Counter(
    "agenciaos_http_requests_total", "HTTP requests answered.", ["method", "route", "status"], registry=SERVER
)
REQUEST_SECONDS = Histogram(
    "agenciaos_http_request_duration_seconds", "Time from request to answer.", ["method", "route"], registry=SERVER
)

RUNS = Counter("agenciaos_runs_total", "Attempts ended, by what became of them.", ["task", "outcome"], registry=WORKER)
RUN_SECONDS = Histogram(
    "agenciaos_run_duration_seconds",
    "Time from an attempt's start to its end.",
    ["task"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
    registry=WORKER,
)
WAIT_SECONDS = Histogram(
    "agenciaos_run_wait_seconds",
    "Time from when a run was due to the start of its attempt.",
    ["task"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=WORKER,
)
OPENAI_CALLS = Counter("agenciaos_openai_calls_total", "Calls to OpenAI.", ["model", "outcome"], registry=WORKER)
TOKENS = Counter("agenciaos_openai_tokens_total", "Tokens billed by OpenAI.", ["model", "kind"], registry=WORKER)
COST = Counter(
    "agenciaos_openai_cost_dollars_total", "US dollars billed by OpenAI, where known.", ["model"], registry=WORKER
)
SWEEPER_REPAIRS = Counter("agenciaos_sweeper_repairs_total", "Runs the sweeper put right.", ["kind"], registry=WORKER)

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels]


@lru_cache(maxsize=1024)
def _request_samples(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), REQUEST_SECONDS.labels(method, route)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Counts a request that was answered."""
    requests, duration = _request_samples(method, route, status)
    requests.inc()
    duration.observe(seconds)


def record_usage(usage: Usage, outcome: str) -> None:
    """Counts a call that was billed."""
    OPENAI_CALLS.labels(usage.model, outcome).inc()
    TOKENS.labels(usage.model, "input").inc(usage.input_tokens - usage.cached_tokens)
    TOKENS.labels(usage.model, "cached").inc(usage.cached_tokens)
    TOKENS.labels(usage.model, "output").inc(usage.output_tokens)
    if usage.cost is not None:
        COST.labels(usage.model).inc(float(usage.cost))


def counted(registry: CollectorRegistry) -> dict[Sample, float]:
    """Every sample of a registry that only ever grows."""
    samples = (sample for metric in registry.collect() for sample in metric.samples)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for sample in samples
        if not sample.name.endswith("_created")
    }


class Totals:
    """Shows added-up worker samples as the metrics they came from."""

    def __init__(self, totals: Mapping[Sample, float]) -> None:
        self._totals = totals

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


def _bucket_order(sample: tuple[str, Labels, float]) -> tuple[Labels, str, float]:
    name, labels, _ = sample
    bound = float(dict(labels).get("le", "0").replace("+Inf", "inf"))
    return tuple(pair for pair in labels if pair[0] != "le"), name, bound
