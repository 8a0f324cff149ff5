"""Execution of a job's code: on the event loop, or in a thread if the job is declared as blocking."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import Job, Outcome
from agenciaos_jobs.engine.threads import is_in_attempt

T = TypeVar("T")


class ExitInTaskError(Exception):
    """A task that a job had started raised ``SystemExit`` or ``KeyboardInterrupt``. The cause is what it raised."""


def contain_exits() -> None:
    """Keeps the tasks that jobs start from ending the process: asyncio lets those two exceptions stop the event loop.

    In the job itself they fail the attempt anyway.
    """
    asyncio.get_running_loop().set_task_factory(_new_task)


def _new_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
    if not is_in_attempt():
        return asyncio.Task(work, loop=loop, **options)
    task = asyncio.Task(_contained(work), loop=loop, **options)
    task.add_done_callback(lambda _: work.close())  # it has not begun if the task was cancelled before
    return task


async def _contained(work: Coroutine[Any, Any, T]) -> T:
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise ExitInTaskError(f"{type(error).__name__}: {error}") from error


async def perform(job: Job[Any], context: RunContext[Any], payload: BaseModel) -> Outcome:
    """Calls the job's code and returns its outcome. What it does in threads counts as part of the attempt."""
    async with context.threads:
        if job.blocking:
            return cast("Outcome", await context.threads.run(job.run, context, payload))
        return await cast("Awaitable[Outcome]", job.run(context, payload))
