"""A job whose behaviour a test writes."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from agenciaos_jobs.engine.model.job import Job, Limits
from agenciaos_jobs.foundation.backoff import Backoff

QUICK = Backoff(minimum=0.01, maximum=0.02)


class Anything(BaseModel):
    pass


def impatient(job: Job[Any], backoff: Backoff = QUICK) -> Job[Any]:
    """The job with other waits between its attempts."""
    return replace(job, limits=replace(job.limits, backoff=backoff))


class Probe:
    """``calls`` counts its attempts."""

    def __init__(self, act: Any, **limits: Any) -> None:
        self.calls = 0
        self._act = act
        self.job: Job[Any] = Job("probe", Anything, self._run, limits=Limits(**{"backoff": QUICK} | limits))
        self.jobs = {self.job.task: self.job}

    async def _run(self, app: Any, _: Anything) -> Any:
        self.calls += 1
        return await self._act(app)
