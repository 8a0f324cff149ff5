"""The worker: under arq's own command (``arq agenciaos_jobs.worker.WorkerSettings``), or by itself.

Both run the same dispatcher. arq hosts it, reads cron, and finds nothing else in its queue. ``WorkerSettings`` is made
when it is asked for, so that importing this module reads no environment.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
import uvloop

from agenciaos_jobs.alerts import notifier
from agenciaos_jobs.alerts.rules import AlertRulesError
from agenciaos_jobs.api import worker_metrics
from agenciaos_jobs.engine import queue, scheduler
from agenciaos_jobs.engine.arq import jobs as arq_jobs
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.scheduler import declared
from agenciaos_jobs.engine.worker import heartbeat, job_cleanup, pruner, rescuer, run_log
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import DatabaseUnavailable
from agenciaos_jobs.foundation.loops import every
from agenciaos_jobs.foundation.migrate import SchemaError
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.tracing import NotInstalled
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings, SettingsError
from agenciaos_jobs.wiring import Workshop, open_base, settle, workshop

log = structlog.get_logger("agenciaos_jobs.worker")

TIMEZONE = ZoneInfo("America/Sao_Paulo")

# arq's own limits are out of the way: attempts and durations are the engine's.
_TRIES = 1_000_000_000
_LONGEST = timedelta(days=7)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def __getattr__(name: str) -> Any:
    if name != "WorkerSettings":
        raise AttributeError(name)
    try:
        settings = Settings.load("DATABASE_URL", "REDIS_URL")
    except SettingsError as error:
        sys.exit(f"agenciaos-jobs: {error}")
    logs.configure(settings.log_format, settings.log_level, Redactor(settings.secrets), for_good=True)
    asyncio.set_event_loop(uvloop.new_event_loop())
    return worker_settings(settings)


@asynccontextmanager
async def working(
    settings: Settings, jobs: Mapping[str, Job[Any]], clock: Clock | None, hurry: asyncio.Event
) -> AsyncIterator[Workshop]:
    """A worker at work; leaving drains it, at once where ``hurry`` is set."""
    async with open_base(settings, clock) as base:
        shop = workshop(base, jobs)
        await shop.scheduler.declare()
        await shop.heartbeat.beat()
        stop = asyncio.Event()
        loops = [
            asyncio.create_task(every(heartbeat.INTERVAL, shop.heartbeat.beat, stop)),
            asyncio.create_task(every(run_log.INTERVAL, shop.run_log.flush, stop)),
            asyncio.create_task(every(rescuer.INTERVAL, shop.sweeper.sweep, stop)),
            asyncio.create_task(every(scheduler.INTERVAL, shop.scheduler.fire_due, stop)),
            asyncio.create_task(every(job_cleanup.INTERVAL, shop.tidier.tidy, stop)),
            asyncio.create_task(every(notifier.INTERVAL, shop.watch.round, stop)),
            asyncio.create_task(shop.dispatcher.run()),
        ]
        caring = asyncio.create_task(every(pruner.INTERVAL, shop.caretaker.care, stop))
        log.info("worker_started", worker_id=shop.heartbeat.worker_id, slots=settings.worker_max_jobs)
        try:
            async with worker_metrics.told(
                base.app.database, shop.dispatcher, settings.host, settings.worker_metrics_port
            ):
                yield shop
        finally:
            await shop.dispatcher.drain(settings.shutdown_grace, hurry)
            stop.set()
            caring.cancel()  # it may be reading a whole month
            await asyncio.wait([*loops, caring])
            await shop.heartbeat.stop()


async def work(settings: Settings, jobs: Mapping[str, Job[Any]] = JOBS) -> None:
    """Works until SIGTERM or SIGINT; a second one hurries."""
    ended, hurry = asyncio.Event(), asyncio.Event()
    async with working(settings, jobs, None, hurry) as shop:
        settle()
        _on_signals(shop, ended, hurry)
        await ended.wait()


async def work_once(settings: Settings, run_id: str, jobs: Mapping[str, Job[Any]] = JOBS) -> None:
    """Makes one attempt at one run, in a process that may die of it."""
    async with open_base(settings) as base:
        shop = workshop(base, jobs)
        await shop.heartbeat.beat()
        stop = asyncio.Event()
        beats = asyncio.create_task(every(heartbeat.INTERVAL, shop.heartbeat.beat, stop))
        await shop.runner.attempt(run_id)
        stop.set()
        await asyncio.wait([beats])
        await shop.heartbeat.stop()


def worker_settings(
    settings: Settings, jobs: Mapping[str, Job[Any]] = JOBS, clock: Clock | None = None, *, signals: bool = True
) -> type:
    """The class that arq reads. Its attributes must be its own: arq does not look at base classes."""
    assert settings.redis_url

    async def on_startup(context: dict[str, Any]) -> None:
        stack = context["stack"] = AsyncExitStack()
        hurry = asyncio.Event()
        try:
            context["workshop"] = await stack.enter_async_context(working(settings, jobs, clock, hurry))
        except (SchemaError, AlertRulesError, DatabaseUnavailable, NotInstalled, OSError) as error:
            sys.exit(f"agenciaos-jobs: {error}")
        if signals:
            settle()
            ended = asyncio.Event()
            _on_signals(context["workshop"], ended, hurry)
            drain = partial(context["workshop"].dispatcher.drain, settings.shutdown_grace, hurry)
            context["ending"] = asyncio.create_task(_end(ended, drain, asyncio.current_task()))

    attributes = {
        "functions": [arq_jobs.function(task) for task in jobs],
        "cron_jobs": [arq_jobs.cron_job(item) for item in declared(jobs)],
        "timezone": TIMEZONE,
        "redis_pool": queue.connect(settings.redis_url.get_secret_value()),
        "job_serializer": queue.encode,
        "job_deserializer": queue.decode,
        "on_startup": on_startup,
        "on_shutdown": _stop,
        "max_jobs": settings.worker_max_jobs,
        "max_tries": _TRIES,
        "job_timeout": _LONGEST,
        "keep_result": 0,
        "log_results": False,
    }
    return type("WorkerSettings", (), attributes)


def _on_signals(shop: Workshop, ended: asyncio.Event, hurry: asyncio.Event) -> None:
    def signaled() -> None:
        if ended.is_set():
            hurry.set()
        else:
            shop.dispatcher.stop()
            ended.set()
            log.info("worker_draining")

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, signaled)


async def _end(ended: asyncio.Event, drain: Callable[[], Awaitable[None]], main: "asyncio.Task[Any] | None") -> None:
    """Drains, then ends arq's main task, which shuts down; a cancellation can be lost inside a Redis call.

    In this order, because between the end of its main task and its shutdown arq leaves the loop, which loses signals.
    """
    await ended.wait()
    await drain()
    while main and not main.done():
        main.cancel()
        await asyncio.wait([main], timeout=0.5)


async def _stop(context: dict[str, Any]) -> None:
    if "stack" in context:  # not where arq failed before it called on_startup
        await context["stack"].aclose()
