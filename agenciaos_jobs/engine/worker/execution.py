"""Execution of a job's code: on the event loop, or in a thread if the job is declared as blocking."""

from collections.abc import Awaitable
from typing import Any, cast

from pydantic import BaseModel

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import Job, Outcome


async def perform(job: Job[Any], context: RunContext[Any], payload: BaseModel) -> Outcome:
    """Calls the job's code and returns its outcome. What it does in threads counts as part of the attempt."""
    async with context.threads:
        if job.blocking:
            return cast("Outcome", await context.threads.run(job.run, context, payload))
        return await cast("Awaitable[Outcome]", job.run(context, payload))
