"""Liveness, readiness and metrics."""

import asyncio
from collections.abc import Awaitable, Iterator
from datetime import datetime

from aiohttp import web
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel

from agenciaos_jobs.engine import queue
from agenciaos_jobs.engine.queue_probe import UnusableQueueError
from agenciaos_jobs.engine.store import history, run_hours, workers
from agenciaos_jobs.foundation import metric_totals, metrics, migrate
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import auth
from agenciaos_jobs.http.body import answer
from agenciaos_jobs.http.keys import CLOCK, DATABASE, DRAINING, METRICS_TOKEN, QUEUE, QUEUE_PROBE, SLOTS
from agenciaos_jobs.http.operation import Operation

_TIMEOUT = 3


class Health(BaseModel):
    """The process responds."""

    status: str = "ok"


class Readiness(BaseModel):
    """``ok`` or the error of each dependency; ``status`` is ``draining`` while the server shuts down."""

    status: str
    database: str
    schema_version: str
    queue: str


async def check_liveness(_: web.Request) -> web.Response:
    return answer(Health())


async def check_readiness(request: web.Request) -> web.Response:
    quick = request.app[DATABASE].within(_TIMEOUT)
    database, schema, queue_state = await asyncio.gather(
        _state(migrate.schema_version(quick)),
        _state(migrate.require_schema(quick)),
        _state(_queue(request.app)),
    )
    status = "ok" if {database, schema, queue_state} == {"ok"} else "unavailable"
    if request.app[DRAINING].is_set():
        status = "draining"
    readiness = Readiness(status=status, database=database, schema_version=schema, queue=queue_state)
    return answer(readiness, status=200 if status == "ok" else 503)


async def _queue(app: web.Application) -> None:
    """A ping finds an outage at once; the probe's result may be some seconds old."""
    await app[QUEUE].ping()
    await app[QUEUE_PROBE].result()


async def _state(check: Awaitable[object]) -> str:
    try:
        await asyncio.wait_for(check, _TIMEOUT)
    except (migrate.SchemaError, UnusableQueueError) as error:
        return str(error)
    except (DatabaseUnavailableError, *queue.UNAVAILABLE) as error:
        return f"unreachable ({type(error).__name__})"
    return "ok"


async def show_metrics(request: web.Request) -> web.Response:
    """Metrics of all workers and of this process; of this process alone while Postgres is unreachable.

    Raises 401 without ``METRICS_TOKEN``, where it is set.
    """
    if token := request.app[METRICS_TOKEN]:
        auth.require_bearer(request, token)
    database, now = request.app[DATABASE].within(_TIMEOUT), request.app[CLOCK].now()
    try:
        known = await asyncio.wait_for(_shared_metrics(database, now, request.app[SLOTS]), _TIMEOUT)
    except (DatabaseUnavailableError, TimeoutError):
        known = []
    up = {"agenciaos_database_up": ("Whether Postgres answers this server.", float(bool(known)))}
    own = metrics.Present({**up, **metrics.connections(*database.usage())})
    text = metrics.text(metrics.SERVER, metrics.PROCESS, present=[*known, own])
    return web.Response(body=text, headers={"Content-Type": metrics.CONTENT_TYPE})


async def _shared_metrics(database: Database, now: datetime, slots: int) -> list[Collector]:
    """Metrics from the database: those of workers, and the depth of the queue."""
    totals = metrics.Totals(await metric_totals.totals(database))
    depths, alive_now = await history.queue_depth(database, now), await workers.alive(database, now)
    at_work = {
        "agenciaos_workers": ("Workers whose lease has not run out and that no operator drains.", alive_now),
        "agenciaos_worker_slots": ("Runs that they can execute at once (WORKER_MAX_JOBS each).", alive_now * slots),
        "agenciaos_worker_slots_busy": ("Runs that are executed.", await run_hours.executing(database)),
    }
    return [totals, metrics.Present(at_work), _Waiting(depths, now.timestamp())]


class _Waiting:
    """Gauges of the queue's current depth."""

    def __init__(self, depths: list[history.Depth], now: float) -> None:
        self._depths, self._now = depths, now

    def collect(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("agenciaos_queue_depth", "Due runs that wait for a worker.", labels=["task"])
        age = GaugeMetricFamily(
            "agenciaos_queue_oldest_seconds", "How long the oldest of them has waited.", labels=["task"]
        )
        for waiting in self._depths:
            depth.add_metric([waiting.task], waiting.depth)
            age.add_metric([waiting.task], max(0.0, self._now - waiting.oldest_due_at.timestamp()))
        yield depth
        yield age


OPERATIONS = [
    Operation(
        "GET",
        "/healthz",
        check_liveness,
        Text("O processo está vivo", "The process is alive"),
        {200: Health},
        needs_key=False,
    ),
    Operation(
        "GET",
        "/readyz",
        check_readiness,
        Text("Banco, esquema e fila estão prontos", "Database, schema and queue are ready"),
        {200: Readiness, 503: Readiness},
        needs_key=False,
    ),
    Operation(
        "GET",
        "/metrics",
        show_metrics,
        Text("Métricas do Prometheus", "Prometheus metrics"),
        {200: "text/plain"},
        needs_key=False,
    ),
]
