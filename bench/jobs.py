"""Our worker with benchmark jobs: ``arq bench.jobs.WorkerSettings`` or ``python -m bench.jobs``."""

import asyncio
import time
from typing import Any

import uvloop
from pydantic import BaseModel

from agenciaos_jobs import worker
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.settings import Settings
from bench.peers import starts


class Nothing(BaseModel):
    sent_at: float = 0
    seconds: float = 0


async def run(app: Any, payload: Nothing) -> dict[str, Any]:
    started_at = time.time()
    if payload.seconds:
        await asyncio.sleep(payload.seconds)
    starts.record(started_at, payload.sent_at)
    return {"waited": started_at - payload.sent_at}


NOOP: Job[Nothing] = Job(task="noop", payload=Nothing, run=run)


def _settings() -> Settings:
    settings = Settings.load("DATABASE_URL", "REDIS_URL")
    logs.configure("json", settings.log_level, Redactor(settings.secrets), cache_loggers=True)
    return settings


def __getattr__(name: str) -> Any:
    if name != "WorkerSettings":
        raise AttributeError(name)
    asyncio.set_event_loop(uvloop.new_event_loop())
    return worker.worker_settings(_settings(), {"noop": NOOP})


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(worker.work(_settings(), {"noop": NOOP}))
