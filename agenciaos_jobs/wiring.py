"""The composition root: opens the pool, the queue, the model and the clock."""

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from agenciaos_jobs import registry, resources
from agenciaos_jobs.ai_content import agents
from agenciaos_jobs.ai_content.alerts import AI_DOWN
from agenciaos_jobs.ai_content.budget import BudgetCheck
from agenciaos_jobs.ai_content.pacing.upstream import OPENAI
from agenciaos_jobs.ai_content.resources import AIContent
from agenciaos_jobs.alerts.alerting import Alerting
from agenciaos_jobs.alerts.buffer import AlertBuffer
from agenciaos_jobs.alerts.conditions import Check, Conditions
from agenciaos_jobs.alerts.failures import LateSlotAlert
from agenciaos_jobs.alerts.notifier import AlertNotifier
from agenciaos_jobs.alerts.outages import outages
from agenciaos_jobs.alerts.rules import load_rules
from agenciaos_jobs.engine import queue, queue_probe
from agenciaos_jobs.engine.control import Control
from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.model.retention_policy import Retention
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.pacing.pacer import Pacer
from agenciaos_jobs.engine.queue import Queue
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.engine.wait_tokens import WaitTokens
from agenciaos_jobs.foundation import database, migrate, sql, tracing
from agenciaos_jobs.foundation.clock import Clock, SystemClock
from agenciaos_jobs.foundation.database import ENGINE_TIMEOUT, REQUEST_TIMEOUT, Database
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.payments.alerts import PAYMENT_PROVIDER_DOWN
from agenciaos_jobs.payments.assignment import Assignments
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.upstream import PROVIDER
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.settings import Settings


@dataclass(frozen=True)
class Runtime:
    """The services that servers and workers share. ``resources`` holds the dependencies of jobs, by class."""

    id: str
    clock: Clock
    database: Database
    queue: Queue
    outbox: RedisOutbox
    intake: Intake
    wait_tokens: WaitTokens
    control: Control
    assignments: Assignments
    alerting: Alerting
    notifier: AlertNotifier
    resources: Mapping[type, Any]
    redactor: Redactor
    settings: Settings

    @property
    def retention(self) -> Retention:
        """The retention of runs."""
        completed, failed = self.settings.retain_completed_days, self.settings.retain_failed_days
        return Retention(timedelta(days=completed), timedelta(days=failed))


@asynccontextmanager
async def open_runtime(
    settings: Settings, clock: Clock | None = None, kind: str = "worker", jobs: Mapping[str, Job[Any]] | None = None
) -> AsyncIterator[Runtime]:
    """Opens the connections, and refuses a database with an old schema. ``kind`` is the prefix of the process's id.

    ``jobs`` defaults to those of the registry.
    """
    async with AsyncExitStack() as stack:
        clock = clock or SystemClock()
        runtime_id = clock.new_id(kind)
        pool, redis = await _connect(settings, clock, runtime_id, kind, stack)
        redactor = Redactor(settings.secrets)
        for_requests, for_engine = pool.within(REQUEST_TIMEOUT), pool.within(ENGINE_TIMEOUT)
        alerting = _alerting(settings, clock, stack, AlertBuffer(for_engine, clock, redactor))
        outbox = RedisOutbox(redis, clock)
        stack.push_async_callback(outbox.flush)
        registry.add_modules(settings.jobs_modules)
        agents.add_folder(settings.agents_dir)
        jobs = registry.JOBS if jobs is None else jobs
        intake = Intake(
            for_requests, outbox, clock, jobs, settings.agency_concurrency, LateSlotAlert(clock, alerting.rules).record
        )
        pacer = Pacer(for_engine, clock, outbox)
        yield Runtime(
            id=runtime_id,
            clock=clock,
            database=pool,
            queue=redis,
            outbox=outbox,
            intake=intake,
            wait_tokens=WaitTokens(for_requests, outbox, clock),
            control=Control(for_requests, intake, outbox, clock, jobs),
            assignments=Assignments(for_requests, intake, clock, tuple(settings.plans)),
            alerting=alerting,
            notifier=_notifier(settings, for_engine, clock, intake, alerting),
            resources=_resources(settings, clock, stack, alerting, pacer),
            redactor=redactor,
            settings=settings,
        )


def _resources(
    settings: Settings, clock: Clock, stack: AsyncExitStack, alerting: Alerting, pacer: Pacer
) -> Mapping[type, Any]:
    """What jobs use, by the class that they name."""
    return {
        AIContent: resources.ai_content(settings, clock, stack, alerting.buffer, pacer),
        Payments: resources.payments(settings, clock, stack, pacer),
        Alerting: alerting,
        Reports: resources.reports(settings, clock),
    }


async def _connect(
    settings: Settings, clock: Clock, name: str, kind: str, stack: AsyncExitStack
) -> tuple[Database, Queue]:
    """Postgres, with the schema of this release and its clock adopted, and Redis, which connects on first use."""
    assert settings.database_url
    assert settings.redis_url
    tracing.configure(settings.otel_exporter_otlp_endpoint, settings.otel_service_name)
    stack.push_async_callback(_close_tracing)
    pool = await database.connect(
        settings.database_url.get_secret_value(),
        direct_url=settings.direct_url.get_secret_value() if settings.direct_url else None,
        size=settings.database_pool_size,
        name=name,
        on_query=tracing.query_logger(sql.name_of, of_worker=kind == "worker"),
    )
    stack.push_async_callback(pool.close)
    await migrate.require_schema(pool.within(ENGINE_TIMEOUT))
    await workers.synchronise(pool.within(ENGINE_TIMEOUT), clock)
    redis = Queue(queue.connect(settings.redis_url.get_secret_value(), settings.redis_tls_verify))
    stack.push_async_callback(redis.close)
    await queue_probe.require_supported(redis.redis)
    return pool, redis


async def _close_tracing() -> None:
    """In a thread of its own, because jobs may occupy the default executor's for as long as the process lives."""
    await asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1), tracing.close)


def tune_gc() -> None:
    """Freezes the objects of start-up and collects less often: the collector took a tenth of a server's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)


def _alerting(settings: Settings, clock: Clock, stack: AsyncExitStack, buffer: AlertBuffer) -> Alerting:
    stack.push_async_callback(buffer.close)
    return Alerting(
        load_rules(settings.alerts_file), resources.open_channels(settings, clock), settings.public_url, buffer
    )


def _notifier(settings: Settings, pool: Database, clock: Clock, intake: Intake, alerting: Alerting) -> AlertNotifier:
    budget = settings.ai_budget_usd
    checks: list[Check] = [
        partial(outages, kind=AI_DOWN, prefix=OPENAI),
        partial(outages, kind=PAYMENT_PROVIDER_DOWN, prefix=PROVIDER),
    ]
    if budget is not None:
        checks.append(BudgetCheck(budget, clock).events)
    conditions = Conditions(pool, clock, alerting.rules, checks)
    return AlertNotifier(pool, clock, intake, alerting, conditions)
