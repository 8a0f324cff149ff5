"""``arq agenciaos_jobs.worker.WorkerSettings``: the worker, under arq's own command.

``WorkerSettings`` is made when it is asked for, so that importing this module reads no environment.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import structlog
from arq import Retry, cron, func
from arq.cron import CronJob
from arq.typing import WorkerCoroutine
from arq.worker import Function
from croniter import croniter

from agenciaos_jobs.adapters import logs
from agenciaos_jobs.core.clock import Clock
from agenciaos_jobs.core.job import Job
from agenciaos_jobs.core.redact import Redactor
from agenciaos_jobs.engine import heartbeat, queue, sweeper
from agenciaos_jobs.engine.schedules import Declared, declared
from agenciaos_jobs.jobs import JOBS
from agenciaos_jobs.settings import Settings, SettingsError
from agenciaos_jobs.storage.database import DatabaseUnavailable
from agenciaos_jobs.storage.migrate import SchemaError
from agenciaos_jobs.wiring import open_base, workshop

log = structlog.get_logger("agenciaos_jobs.worker")

TIMEZONE = ZoneInfo("America/Sao_Paulo")

# arq's own limits are out of the way: attempts and durations are the engine's.
_TRIES = 1_000_000_000
_LONGEST = timedelta(days=7)


def __getattr__(name: str) -> Any:
    if name != "WorkerSettings":
        raise AttributeError(name)
    try:
        settings = Settings.load("DATABASE_URL", "REDIS_URL")
    except SettingsError as error:
        sys.exit(f"agenciaos-jobs: {error}")
    logs.configure(settings.log_format, settings.log_level, Redactor(settings.secrets))
    return worker_settings(settings)


def worker_settings(settings: Settings, jobs: Mapping[str, Job[Any]] = JOBS, clock: Clock | None = None) -> type:
    """The class that arq reads. Its attributes must be its own: arq does not look at base classes."""
    assert settings.redis_url

    async def on_startup(context: dict[str, Any]) -> None:
        try:
            await _start(context, settings, jobs, clock)
        except (SchemaError, DatabaseUnavailable) as error:
            sys.exit(f"agenciaos-jobs: {error}")

    attributes = {
        "functions": [_function(task) for task in jobs],
        "cron_jobs": [_cron_job(item) for item in declared(jobs)],
        "timezone": TIMEZONE,
        "redis_pool": queue.connect(settings.redis_url.get_secret_value()),
        "job_serializer": queue.encode,
        "job_deserializer": queue.decode,
        "on_startup": on_startup,
        "on_shutdown": _stop,
        "max_jobs": settings.worker_max_jobs,
        "max_tries": _TRIES,
        "job_timeout": _LONGEST,
        "job_completion_wait": settings.shutdown_grace,
        "keep_result": 0,
        "poll_delay": 0.05,
        "log_results": False,
    }
    return type("WorkerSettings", (), attributes)


async def _start(
    context: dict[str, Any], settings: Settings, jobs: Mapping[str, Job[Any]], clock: Clock | None
) -> None:
    stack = context["stack"] = AsyncExitStack()
    base = await stack.enter_async_context(open_base(settings, clock))
    shop = context["workshop"] = workshop(base, jobs)
    await shop.scheduler.declare()
    await shop.heartbeat.beat()
    stack.push_async_callback(shop.heartbeat.stop)
    stop = asyncio.Event()
    beats = asyncio.create_task(_every(heartbeat.INTERVAL, shop.heartbeat.beat, stop))
    sweeps = asyncio.create_task(_every(sweeper.INTERVAL, shop.sweeper.sweep, stop))
    stack.push_async_callback(_ended, stop, beats, sweeps)


async def _stop(context: dict[str, Any]) -> None:
    if "stack" in context:  # not where arq failed before it called on_startup
        await context["stack"].aclose()


async def _ended(stop: asyncio.Event, *loops: "asyncio.Task[None]") -> None:
    stop.set()
    await asyncio.wait(loops)


async def _every(interval: timedelta, act: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await act()
        except Exception:  # a round that fails is reported, and must not be the last one
            log.exception("background_round_failed", act=getattr(act, "__qualname__", str(act)))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval.total_seconds())


def _function(task: str) -> Function:
    async def execute(context: dict[str, Any], run_id: str) -> None:
        wait = await context["workshop"].runner.attempt(run_id)
        if wait is not None:
            raise Retry(defer=wait)

    return func(cast("WorkerCoroutine", execute), name=task)


def _cron_job(item: Declared) -> CronJob:
    async def fire(context: dict[str, Any]) -> None:
        await context["workshop"].scheduler.fire(item.id)

    minute, hour, day, month, weekday = (_arq_field(values) for values in croniter.expand(item.schedule.cron)[0])
    return cron(
        cast("WorkerCoroutine", fire),
        name=f"cron:{item.id}",
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        weekday=weekday and {(day - 1) % 7 for day in weekday},
        keep_result=0,
    )


def _arq_field(values: Sequence[Any]) -> set[int] | None:
    return None if "*" in values else {int(value) for value in values}
