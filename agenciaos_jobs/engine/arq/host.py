"""arq as the worker's host: builds the settings class that the ``arq`` command reads.

arq runs the process and fires cron. Runs are dequeued by the dispatcher; attempts, durations, retries and results are
the engine's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from arq import Retry, cron, func
from arq.cron import CronJob
from arq.typing import WorkerCoroutine
from arq.worker import Function
from croniter import croniter

from agenciaos_jobs.engine.arq.wire import CRON, connect, decode, encode
from agenciaos_jobs.engine.scheduler import Declared, Scheduler
from agenciaos_jobs.engine.worker.dispatcher import Dispatcher
from agenciaos_jobs.engine.worker.runner import Runner

TIMEZONE = ZoneInfo("America/Sao_Paulo")

# Large enough that arq's own limits never apply.
_MAX_TRIES = 1_000_000_000
_JOB_TIMEOUT = timedelta(days=7)


class Hosted(Protocol):
    """The parts of a worker that arq calls."""

    @property
    def runner(self) -> Runner: ...
    @property
    def scheduler(self) -> Scheduler: ...
    @property
    def dispatcher(self) -> Dispatcher: ...


Start = Callable[[], AbstractAsyncContextManager[Hosted]]
"""Starts a worker; leaving the context drains it."""

WatchSignals = Callable[[Hosted], "Awaitable[None] | None"]
"""Called once the worker runs, to handle signals. The process ends when the result completes, if there is one."""


def worker_settings(
    redis_url: str,
    redis_tls_verify: bool | Path,
    max_jobs: int,
    tasks: Sequence[str],
    schedules: Sequence[Declared],
    start: Start,
    watch_signals: WatchSignals,
) -> type:
    """The settings class that arq reads. Attributes must be its own, because arq ignores base classes."""

    async def on_startup(context: dict[str, Any]) -> None:
        stack = context["stack"] = AsyncExitStack()
        context["worker"] = await stack.enter_async_context(start())
        if drained := watch_signals(context["worker"]):
            context["ending"] = asyncio.create_task(_end_when_drained(drained, asyncio.current_task()))

    attributes = {
        "functions": [_function(task) for task in tasks],
        "cron_jobs": [cron_job(item) for item in schedules],
        "timezone": TIMEZONE,
        "redis_pool": connect(redis_url, redis_tls_verify),
        "job_serializer": encode,
        "job_deserializer": decode,
        "on_startup": on_startup,
        "on_shutdown": _stop,
        # Until ours handle them, signals end the process, which has claimed nothing. arq's would lose one that arrives
        # before its event loop runs, and can lose one during start-up.
        "handle_signals": False,
        "max_jobs": max_jobs,
        "max_tries": _MAX_TRIES,
        "job_timeout": _JOB_TIMEOUT,
        "keep_result": 0,
        "log_results": False,
    }
    return type("WorkerSettings", (), attributes)


async def _end_when_drained(drained: Awaitable[None], main: "asyncio.Task[Any] | None") -> None:
    """Waits until the worker is drained, then cancels arq's main task, which shuts arq down.

    The order matters: arq leaves the event loop between the end of its main task and its shutdown, and signals that
    arrive then are lost. The cancellation is repeated because a Redis call can swallow it.
    """
    await drained
    while main and not main.done():
        main.cancel()
        await asyncio.wait([main], timeout=0.5)


async def _stop(context: dict[str, Any]) -> None:
    if "stack" in context:  # missing if arq failed before on_startup
        await context["stack"].aclose()


def _function(task: str) -> Function:
    """Attempts a run for arq workers with another Redis client, which dequeue runs themselves."""

    async def attempt(context: dict[str, Any], run_id: str) -> None:
        wait = await context["worker"].runner.attempt(run_id)
        if wait is not None:
            raise Retry(defer=wait)

    return func(cast("WorkerCoroutine", attempt), name=task)


def cron_job(item: Declared) -> CronJob:
    """The arq cron job of a declared schedule."""

    async def fire(context: dict[str, Any]) -> None:
        await context["worker"].scheduler.fire(item.id)

    minute, hour, day, month, weekday = (_field(values) for values in croniter.expand(item.schedule.cron)[0])
    return cron(
        cast("WorkerCoroutine", fire),
        name=f"{CRON}{item.id}",
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        weekday=weekday and {(day - 1) % 7 for day in weekday},
        keep_result=0,
    )


def _field(values: Sequence[Any]) -> set[int] | None:
    return None if "*" in values else {int(value) for value in values}
