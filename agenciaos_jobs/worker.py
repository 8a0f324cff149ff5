"""The worker: hosted by arq's command (``arq agenciaos_jobs.worker.WorkerSettings``), or by itself.

Both run the same dispatcher. arq hosts it and fires cron; its own queue stays empty. ``WorkerSettings`` is built on
access, so that importing this module does not read the environment.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
import uvloop

from agenciaos_jobs import registry
from agenciaos_jobs.alerts import notifier
from agenciaos_jobs.alerts.rules import AlertRulesError
from agenciaos_jobs.engine import queue_probe, scheduler
from agenciaos_jobs.engine.arq import host
from agenciaos_jobs.engine.arq.host import Hosted
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.queue_probe import UnusableQueueError
from agenciaos_jobs.engine.scheduler import declared
from agenciaos_jobs.engine.worker import heartbeat, job_cleanup, pruner, rescuer, run_log, shutdown
from agenciaos_jobs.engine.worker.execution import contain_exits
from agenciaos_jobs.engine.worker.watchdog import yield_gil_regularly
from agenciaos_jobs.foundation import logs, metrics
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.loops import run_periodically
from agenciaos_jobs.foundation.migrate import SchemaError
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.tracing import NotInstalledError
from agenciaos_jobs.registry import JobsModuleError
from agenciaos_jobs.settings import Settings, SettingsError
from agenciaos_jobs.wiring import open_runtime, tune_gc
from agenciaos_jobs.worker_services import WorkerServices, worker_services

log = structlog.get_logger("agenciaos_jobs.worker")

_REASONS = (SchemaError, AlertRulesError, JobsModuleError, DomainError, NotInstalledError, OSError)


def __getattr__(name: str) -> Any:
    if name != "WorkerSettings":
        raise AttributeError(name)
    try:
        settings = Settings.load("DATABASE_URL", "REDIS_URL")
        logs.configure(settings.log_format, settings.log_level, Redactor(settings.secrets), cache_loggers=True)
        asyncio.set_event_loop(loop := uvloop.new_event_loop())
        built: Any = worker_settings(settings)
        loop.run_until_complete(queue_probe.require_supported(built.redis_pool))  # arq uses it before it starts ours
        return built
    except (SettingsError, JobsModuleError, UnusableQueueError) as error:
        sys.exit(f"agenciaos-jobs: {error}")


@asynccontextmanager
async def working(
    settings: Settings, jobs: Mapping[str, Job[Any]], clock: Clock | None, hurry: asyncio.Event
) -> AsyncIterator[WorkerServices]:
    """A running worker; on exit it drains, without the grace period if ``hurry`` is set."""
    async with open_runtime(settings, clock, jobs=jobs) as runtime:
        worker = worker_services(runtime, jobs)
        await worker.scheduler.declare()
        worker.runner.threads.become_default()
        contain_exits()
        await worker.lease.start()
        stop = asyncio.Event()
        loops = [
            asyncio.create_task(run_periodically(interval, act, stop))
            for interval, act in (
                (heartbeat.INTERVAL, worker.heartbeat.beat),
                (run_log.INTERVAL, worker.run_log.flush),
                (rescuer.INTERVAL, worker.rescuer.run_once),
                (scheduler.INTERVAL, worker.scheduler.fire_due),
                (job_cleanup.INTERVAL, worker.job_cleanup.run_once),
                (notifier.INTERVAL, runtime.notifier.run_once),
            )
        ]
        loops.append(asyncio.create_task(worker.dispatcher.run()))
        pruning = asyncio.create_task(run_periodically(pruner.INTERVAL, worker.pruner.run_once, stop))
        loop_watch = asyncio.create_task(metrics.watch_loop())
        log.info("worker_started", worker_id=worker.heartbeat.worker_id, slots=settings.worker_max_jobs)
        try:
            yield worker
        finally:
            await worker.dispatcher.drain(settings.shutdown_grace, hurry)
            stop.set()
            pruning.cancel()  # a prune may take minutes: it reads a whole month
            loop_watch.cancel()
            await asyncio.wait([*loops, pruning, loop_watch])
            await worker.lease.stop()
            await worker.heartbeat.stop()


async def work(settings: Settings, jobs: Mapping[str, Job[Any]] | None = None) -> None:
    """Works until SIGTERM or SIGINT; a second signal ends the grace period."""
    ended, hurry = asyncio.Event(), asyncio.Event()
    async with working(settings, _jobs(settings, jobs), None, hurry) as worker:
        tune_gc()
        shutdown.on_signals(worker.dispatcher, worker.runner.threads, ended, hurry)
        await ended.wait()
    shutdown.end_if_working(worker.runner.threads)


async def work_once(settings: Settings, run_id: str, jobs: Mapping[str, Job[Any]] | None = None) -> None:
    """Makes one attempt at one run, in a process that the attempt may crash."""
    jobs = _jobs(settings, jobs)
    async with open_runtime(settings, jobs=jobs) as runtime:
        worker = worker_services(runtime, jobs)
        worker.runner.threads.become_default()
        contain_exits()
        await worker.lease.start()
        yield_gil_regularly()
        stop = asyncio.Event()
        beats = asyncio.create_task(run_periodically(heartbeat.INTERVAL, worker.heartbeat.beat, stop))
        await worker.runner.attempt(run_id)
        stop.set()
        await asyncio.wait([beats])
        await worker.lease.stop()
        await worker.heartbeat.stop()
    shutdown.end_if_working(worker.runner.threads)


def _jobs(settings: Settings, jobs: Mapping[str, Job[Any]] | None) -> Mapping[str, Job[Any]]:
    registry.add_modules(settings.jobs_modules)
    return registry.JOBS if jobs is None else jobs


def worker_settings(
    settings: Settings, jobs: Mapping[str, Job[Any]] | None = None, clock: Clock | None = None, *, signals: bool = True
) -> type:
    """The class that the ``arq`` command reads, for these jobs or for all of the registry."""
    assert settings.redis_url
    known, hurry = _jobs(settings, jobs), asyncio.Event()

    @asynccontextmanager
    async def start() -> AsyncIterator[WorkerServices]:
        async with AsyncExitStack() as stack:
            try:
                worker = await stack.enter_async_context(working(settings, known, clock, hurry))
            except _REASONS as error:
                sys.exit(f"agenciaos-jobs: {error}")
            yield worker
        if signals:
            shutdown.end_if_working(worker.runner.threads)

    def watch_signals(worker: Hosted) -> Awaitable[None] | None:
        if not signals:
            return None
        tune_gc()
        ended = asyncio.Event()
        shutdown.on_signals(worker.dispatcher, worker.runner.threads, ended, hurry)
        return _drained(worker, ended, hurry, settings.shutdown_grace)

    return host.worker_settings(
        settings.redis_url.get_secret_value(),
        settings.redis_tls_verify,
        settings.worker_max_jobs,
        list(known),
        list(declared(known)),
        start,
        watch_signals,
    )


async def _drained(worker: Hosted, ended: asyncio.Event, hurry: asyncio.Event, grace: float) -> None:
    await ended.wait()
    await worker.dispatcher.drain(grace, hurry)
