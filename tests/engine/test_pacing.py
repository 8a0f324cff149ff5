"""The pacer: many calls at once share what one of them found out about an upstream's limit."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from agenciaos_jobs.engine.model.job import Snooze
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.pacing import brakes
from agenciaos_jobs.engine.pacing.brake import START_BURST
from agenciaos_jobs.engine.pacing.pacer import Pacer
from agenciaos_jobs.engine.pacing.upstream import RateLimitedError, Upstream
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import open_runtime

MODEL = Upstream("model:m", "Model", timedelta(minutes=30), "wait_limit_reached")


async def test_of_a_volley_that_is_refused_one_refusal_cuts_the_rate(settings: Settings):
    sent = []

    async def refuse() -> None:
        sent.append(1)
        raise RateLimitedError("rate_limit_exceeded", "too many", after=timedelta(seconds=0.8))

    async with open_runtime(settings) as runtime:
        pacer = Pacer(runtime.database, runtime.clock, runtime.outbox)

        async def call(number: int) -> Any:
            run = cast("ClaimedRun", SimpleNamespace(id=f"run_{number}", is_released=False, waits_since=None))
            return await pacer.calls_of(run).call(MODEL, refuse)

        waits = await asyncio.gather(*map(call, range(60)), return_exceptions=True)
        brake = await brakes.read(runtime.database, MODEL.key)
    assert {type(wait) for wait in waits} == {Snooze}
    assert 1 <= len(sent) <= START_BURST
    assert brake
    assert brake.rate == 1 / 0.8
