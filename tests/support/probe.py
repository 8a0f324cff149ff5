"""A job whose behaviour a test writes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from agenciaos_jobs.engine.model.job import Hooks, Job, Limits
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.settings import Settings
from support.service import running_service

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


Act = Callable[[Any], Awaitable[Any]]


async def outcome(settings: Settings, act: Act, *, hooks: Hooks | None = None, **limits: Any) -> dict[str, Any]:
    """The run of a job that does this, once it has ended; it makes one attempt unless ``attempts`` is given."""
    probe = Probe(act, **{"attempts": 1} | limits)
    job = replace(probe.job, hooks=hooks or Hooks())
    async with running_service(settings, {job.task: job}) as service:
        run = await service.finished(await service.start(job))
    assert probe.calls == run["attemptCount"] == len(run["attempts"])
    return run


def raising(error: BaseException) -> Act:
    """What raises the error."""

    async def act(_: Any) -> Any:
        raise error

    return act


def returning(value: Any) -> Act:
    """What returns the value."""

    async def act(_: Any) -> Any:
        return value

    return act
