"""The one place where what is real is opened: pool, queue, model, clock."""

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agenciaos_jobs.ai_content.openai import OpenAIModel
from agenciaos_jobs.alerts.alert import Kind
from agenciaos_jobs.alerts.buffer import Alarm
from agenciaos_jobs.alerts.channels import email, slack, webhook
from agenciaos_jobs.alerts.failures import Faults
from agenciaos_jobs.alerts.message import Channel
from agenciaos_jobs.alerts.notifier import Watch
from agenciaos_jobs.alerts.rules import load_rules
from agenciaos_jobs.engine import queue
from agenciaos_jobs.engine.context import Alerting, App, Rules
from agenciaos_jobs.engine.control import Control
from agenciaos_jobs.engine.intake import Intake, Sender
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.model.retention_policy import Retention
from agenciaos_jobs.engine.queue import Queue
from agenciaos_jobs.engine.scheduler import Scheduler
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.engine.store.workers import Worker
from agenciaos_jobs.engine.worker.dispatcher import Dispatcher
from agenciaos_jobs.engine.worker.heartbeat import Heartbeat
from agenciaos_jobs.engine.worker.job_cleanup import Tidier
from agenciaos_jobs.engine.worker.pruner import Caretaker
from agenciaos_jobs.engine.worker.rescuer import Sweeper
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.engine.worker.runner import Runner
from agenciaos_jobs.foundation import database, migrate, sql, tracing
from agenciaos_jobs.foundation.clock import Clock, SystemClock
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.payments.assignment import Payments
from agenciaos_jobs.payments.guru.api import GuruAPI
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings


@dataclass(frozen=True)
class Base:
    """What a server needs, and a worker too."""

    id: str
    app: App
    queue: Queue
    sender: Sender
    intake: Intake
    control: Control
    payments: Payments
    redactor: Redactor
    settings: Settings

    @property
    def retention(self) -> Retention:
        """How long runs are kept."""
        completed, failed = self.settings.retain_completed_days, self.settings.retain_failed_days
        return Retention(timedelta(days=completed), timedelta(days=failed))


@dataclass(frozen=True)
class Workshop:
    """What a worker needs besides."""

    base: Base
    runner: Runner
    run_log: RunLog
    heartbeat: Heartbeat
    sweeper: Sweeper
    scheduler: Scheduler
    tidier: Tidier
    caretaker: Caretaker
    dispatcher: Dispatcher
    watch: Watch


@asynccontextmanager
async def open_base(settings: Settings, clock: Clock | None = None, kind: str = "worker") -> AsyncIterator[Base]:
    """Connects, and refuses a database whose schema is behind. ``kind`` begins the id of who does."""
    assert settings.database_url
    assert settings.redis_url
    async with AsyncExitStack() as stack:
        tracing.configure(settings.otel_exporter_otlp_endpoint, settings.otel_service_name)
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        clock = clock or SystemClock()
        base_id = clock.new_id(kind)
        pool = await database.connect(
            settings.database_url.get_secret_value(),
            size=settings.database_pool_size,
            name=base_id,
            on_query=tracing.query_logger(sql.name_of),
        )
        stack.push_async_callback(pool.close)
        await migrate.require_schema(pool)
        await workers.synchronise(pool, clock)
        wire = Queue(queue.connect(settings.redis_url.get_secret_value()))
        stack.push_async_callback(wire.close)
        model = _model(settings, clock, stack)
        redactor = Redactor(settings.secrets)
        alarm = Alarm(pool, clock, redactor)
        stack.push_async_callback(alarm.close)
        alerting = alerting_of(settings, clock)
        guru, rules = _guru(settings, clock, stack), _rules(settings)
        app = App(clock=clock, database=pool, model=model, rules=rules, guru=guru, alarm=alarm, alerting=alerting)
        sender = Sender(wire, clock)
        stack.push_async_callback(sender.flush)
        late_after = alerting.rules[Kind.SCHEDULE_MISSED].older_than
        intake = Intake(pool, sender, clock, settings.agency_concurrency, late_after)
        control = Control(pool, intake, sender, clock, JOBS)
        payments = Payments(pool, intake, clock)
        yield Base(base_id, app, wire, sender, intake, control, payments, redactor, settings)


def settle() -> None:
    """Has the garbage collector look at what comes from now on, and less often: it took a tenth of a server's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)


def _rules(settings: Settings) -> Rules:
    return Rules(
        ai_monthly_limit={"FREE": settings.ai_monthly_limit_free, "PRO": settings.ai_monthly_limit_pro},
        plan_products=settings.plan_products,
        payment_grace=timedelta(days=settings.payment_grace_days),
        reconcile_apply=settings.reconcile_apply,
    )


def _model(settings: Settings, clock: Clock, stack: AsyncExitStack) -> OpenAIModel:
    model = OpenAIModel(
        clock,
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        in_background=settings.openai_background,
        is_announced=settings.openai_webhook_secret is not None,
    )
    stack.push_async_callback(model.close)
    return model


def _guru(settings: Settings, clock: Clock, stack: AsyncExitStack) -> GuruAPI | None:
    if settings.dmg_api_key is None:
        return None
    api = GuruAPI(clock, api_key=settings.dmg_api_key.get_secret_value(), base_url=settings.dmg_api_url)
    stack.push_async_callback(api.close)
    return api


def alerting_of(settings: Settings, clock: Clock) -> Alerting:
    """How alerts are told; raises :class:`~agenciaos_jobs.alerts.AlertRulesError`."""
    channels: dict[str, Channel] = {}
    if settings.smtp_url and settings.alert_email_from and settings.alert_email_to:
        server = email.Server.read(settings.smtp_url.get_secret_value())
        recipients = email.addresses(settings.alert_email_to)
        channels["email"] = email.EmailChannel(server, settings.alert_email_from, recipients)
    if settings.slack_webhook_url:
        channels["slack"] = slack.SlackChannel(settings.slack_webhook_url.get_secret_value(), clock)
    if settings.alert_webhook_url and settings.alert_webhook_secret:
        channels["webhook"] = webhook.WebhookChannel(
            settings.alert_webhook_url.get_secret_value(),
            settings.values_of("alert_webhook_secret"),
            clock,
            private_too=settings.alert_webhook_private,
        )
    return Alerting(load_rules(settings.alerts_file), channels, settings.public_url, settings.ai_budget_usd)


def workshop(base: Base, jobs: Mapping[str, Job[Any]]) -> Workshop:
    """Sets up a worker for these jobs on an open base."""
    app = base.app
    worker = Worker(base.id, socket.gethostname(), os.getpid(), app.clock.now())
    run_log = RunLog(app.database, app.clock, base.redactor)
    runner = Runner(app, jobs, worker.id, base.sender, run_log, base.redactor)
    scheduler = Scheduler(app.database, base.intake, app.clock, jobs)
    return Workshop(
        base=base,
        runner=runner,
        run_log=run_log,
        heartbeat=Heartbeat(app.database, app.clock, worker, runner, run_log),
        sweeper=Sweeper(app.database, base.queue, base.sender, app.clock, jobs, Faults(app.clock, app.alerting.rules)),
        scheduler=scheduler,
        tidier=Tidier(app, jobs),
        caretaker=Caretaker(app.database, app.clock, base.retention),
        watch=Watch(app, base.sender),
        dispatcher=Dispatcher(
            base.queue, runner, base.intake, base.sender, app.clock, jobs, base.settings.worker_max_jobs
        ),
    )
