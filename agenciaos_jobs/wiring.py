"""The one place where what is real is opened: pool, queue, model, clock."""

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from agenciaos_jobs.adapters.openai import OpenAIModel
from agenciaos_jobs.app import App, Rules
from agenciaos_jobs.core.clock import Clock, SystemClock
from agenciaos_jobs.core.job import Job
from agenciaos_jobs.core.redact import Redactor
from agenciaos_jobs.engine import queue
from agenciaos_jobs.engine.heartbeat import Heartbeat
from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.queue import Queue
from agenciaos_jobs.engine.run_log import RunLog
from agenciaos_jobs.engine.runner import Runner
from agenciaos_jobs.engine.schedules import Scheduler
from agenciaos_jobs.engine.sweeper import Sweeper
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.storage import database, migrate
from agenciaos_jobs.storage.workers import Worker


@dataclass(frozen=True)
class Base:
    """What a server needs, and a worker too."""

    app: App
    queue: Queue
    intake: Intake
    redactor: Redactor


@dataclass(frozen=True)
class Workshop:
    """What a worker needs besides."""

    base: Base
    runner: Runner
    heartbeat: Heartbeat
    sweeper: Sweeper
    scheduler: Scheduler


@asynccontextmanager
async def open_base(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Base]:
    """Connects, and refuses a database whose schema is behind."""
    clock = clock or SystemClock()
    assert settings.database_url
    assert settings.redis_url
    async with AsyncExitStack() as stack:
        pool = await database.connect(settings.database_url.get_secret_value(), size=settings.database_pool_size)
        stack.push_async_callback(pool.close)
        await migrate.require_schema(pool)
        wire = Queue(queue.connect(settings.redis_url.get_secret_value()))
        stack.push_async_callback(wire.close)
        model = OpenAIModel(
            clock,
            api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
            base_url=settings.openai_base_url,
            model=settings.openai_model,
        )
        stack.push_async_callback(model.close)
        rules = Rules(
            ai_monthly_limit={"FREE": settings.ai_monthly_limit_free, "PRO": settings.ai_monthly_limit_pro},
            plan_products=settings.plan_products,
        )
        app = App(clock=clock, database=pool, model=model, rules=rules)
        yield Base(app, wire, Intake(pool, wire, clock), Redactor(settings.secrets))


def workshop(base: Base, jobs: Mapping[str, Job[Any]]) -> Workshop:
    """Sets up a worker for these jobs on an open base."""
    app = base.app
    worker = Worker(app.clock.new_id("worker"), socket.gethostname(), os.getpid(), app.clock.now())
    run_log = RunLog(app.database, app.clock, base.redactor)
    runner = Runner(app, jobs, worker.id, run_log, base.redactor)
    scheduler = Scheduler(app.database, base.intake, app.clock, jobs)
    return Workshop(
        base=base,
        runner=runner,
        heartbeat=Heartbeat(app.database, app.clock, worker, runner, run_log),
        sweeper=Sweeper(app.database, base.queue, app.clock, jobs, scheduler),
        scheduler=scheduler,
    )
