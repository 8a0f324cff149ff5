"""What arq is told of the jobs: their functions and its cron, in arq's own terms."""

from collections.abc import Sequence
from typing import Any, cast

from arq import Retry, cron, func
from arq.cron import CronJob
from arq.typing import WorkerCoroutine
from arq.worker import Function
from croniter import croniter

from agenciaos_jobs.engine import queue
from agenciaos_jobs.engine.scheduler import Declared


def function(task: str) -> Function:
    """For arq workers that were given another Redis client, and so find the runs themselves."""

    async def execute(context: dict[str, Any], run_id: str) -> None:
        wait = await context["workshop"].runner.attempt(run_id)
        if wait is not None:
            raise Retry(defer=wait)

    return func(cast("WorkerCoroutine", execute), name=task)


def cron_job(item: Declared) -> CronJob:
    """arq's cron for a schedule that a job declares."""

    async def fire(context: dict[str, Any]) -> None:
        await context["workshop"].scheduler.fire(item.id)

    minute, hour, day, month, weekday = (_field(values) for values in croniter.expand(item.schedule.cron)[0])
    return cron(
        cast("WorkerCoroutine", fire),
        name=f"{queue.CRON}{item.id}",
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        weekday=weekday and {(day - 1) % 7 for day in weekday},
        keep_result=0,
    )


def _field(values: Sequence[Any]) -> set[int] | None:
    return None if "*" in values else {int(value) for value in values}
