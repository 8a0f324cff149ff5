"""A job whose behaviour a test writes."""

from typing import Any

from pydantic import BaseModel

from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.foundation.backoff import Backoff

QUICK = Backoff(minimum=0.01, maximum=0.02)


class Anything(BaseModel):
    pass


class Probe:
    """``calls`` counts its attempts."""

    def __init__(self, act: Any, **limits: Any) -> None:
        self.calls = 0
        self._act = act
        values = {"task": "probe", "payload": Anything, "summary": "", "accepted": {}, "backoff": QUICK, **limits}
        self.job: Job[Any] = Job(run=self._run, **values)
        self.jobs = {self.job.task: self.job}

    async def _run(self, app: Any, _: Anything) -> Any:
        self.calls += 1
        return await self._act(app)
