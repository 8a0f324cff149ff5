"""A service for the SDK's scripts: its jobs do what a test needs, besides the real ones."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel

from agenciaos_jobs import registry
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Job, Limits, RetryLater
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.settings import Settings
from support.service import Service, running_service


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


async def _echo(_: RunContext, payload: Anything) -> dict[str, Any]:
    return payload.model_dump()


most_at_once: Counter[str | None] = Counter()
"""How many runs of ``slow`` have gone at the same time, by concurrency key."""
_now: Counter[str | None] = Counter()

released: set[str] = set()
"""What the test has let go: runs of ``slow`` and ``talk`` wait for the names in their ``until``."""


async def _told(name: str) -> None:
    while name not in released:
        await asyncio.sleep(0.02)


async def _slow(app: RunContext, payload: Anything) -> dict[str, Any]:
    key = app.run.concurrency_key
    asked = payload.model_extra or {}
    _now[key] += 1
    most_at_once[key] = max(most_at_once[key], _now[key])
    try:
        if until := asked.get("until"):
            await _told(until)
        else:
            await asyncio.sleep(asked.get("seconds", 3600))
    finally:
        _now[key] -= 1
    return {}


async def _talk(app: RunContext, payload: Anything) -> dict[str, Any]:
    halfway, end = (payload.model_extra or {}).get("until", (None, None))
    app.log.info("begun", step=1, token="s3cret")
    if halfway:
        await _told(halfway)
    app.log.warning("halfway", share=0.5)
    if end:
        await _told(end)
    app.log.error("nearly done")
    return {}


async def _words(app: RunContext, payload: Anything) -> dict[str, Any]:
    stream, until = app.stream("words"), (payload.model_extra or {}).get("until")
    stream.write("olá,")
    if until:
        await _told(until)
    stream.write("mundo")
    return {}


async def _approve(app: RunContext, payload: Anything) -> dict[str, Any]:
    token = await app.create_wait_token("approval", timeout=timedelta(hours=2))
    return {"answer": await app.wait_for_token(token.id)}


async def _busy(app: RunContext, payload: Anything) -> None:
    raise RetryLater("busy", "not now", after=timedelta(hours=1))


async def _fail(app: RunContext, payload: Anything) -> dict[str, Any]:
    if app.run.attempt == 1 and (payload.model_extra or {}).get("twice"):
        raise RetryLater("busy", "not now", after=timedelta(milliseconds=10))
    raise GiveUp("no_good", "never")


async def _parent(app: RunContext, payload: Anything) -> CommitWith:
    async def effect(connection: Connection) -> dict[str, Any]:
        children = [await app.trigger_in(connection, task, {}) for task in ("echo", "fail")]
        return {"children": [child.run_id for child in children]}

    return CommitWith(effect)


class Text(RootModel[str]):
    pass


async def _say(_: RunContext, payload: Text) -> dict[str, Any]:
    return {"text": payload.root}


def _job(task: str, run: Any, payload: Any = Anything) -> Job[Any]:
    return Job(task=task, payload=payload, run=run)


JOBS = {
    "echo": _job("echo", _echo),
    "slow": _job("slow", _slow),
    "talk": _job("talk", _talk),
    "approve": Job("approve", Anything, _approve, limits=Limits(max_duration=7 * 86_400)),
    "busy": Job("busy", Anything, _busy, limits=Limits(attempts=4)),
    "fail": _job("fail", _fail),
    "parent": _job("parent", _parent),
    "words": _job("words", _words),
    "say": _job("say", _say, Text),
}


@asynccontextmanager
async def running_with_test_jobs(settings: Settings) -> AsyncIterator[Service]:
    """Server and worker that know :data:`JOBS` besides the application's jobs."""
    registers = (registry.JOBS, registry.OFFERED, registry.JOBS_BY_NAME)
    for register in registers:
        register.update(JOBS)
    try:
        async with running_service(settings, registry.JOBS) as service:
            yield service
    finally:
        for register in registers:
            for task in JOBS:
                del register[task]
