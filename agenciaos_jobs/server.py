"""Assembles the HTTP server."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import uvloop
from aiohttp import web
from yarl import URL

from agenciaos_jobs import dashboard, registry
from agenciaos_jobs.ai_content import agents, openai_webhook
from agenciaos_jobs.ai_content.openai.signature import OpenAIWebhook
from agenciaos_jobs.ai_content.resources import AI_BUDGET, MONTHLY_LIMITS, AIContent
from agenciaos_jobs.alerts.notifier import CONDITIONS_EVERY
from agenciaos_jobs.api import agents as agent_list
from agenciaos_jobs.api import health, openapi, trigger
from agenciaos_jobs.dashboard.page import AUDIT
from agenciaos_jobs.dashboard.sessions import ACCESS, OPENID, Access
from agenciaos_jobs.engine.batches import Batches
from agenciaos_jobs.engine.bulk import Bulk
from agenciaos_jobs.engine.change_feed import ChangeFeed
from agenciaos_jobs.engine.debouncing import Debouncer
from agenciaos_jobs.engine.queue_admin import QueueAdmin
from agenciaos_jobs.engine.queue_probe import CachedProbe
from agenciaos_jobs.engine.schedule_admin import ScheduleAdmin
from agenciaos_jobs.engine.store import retention
from agenciaos_jobs.engine.subscriptions import Live
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import ENGINE_TIMEOUT, REQUEST_TIMEOUT
from agenciaos_jobs.foundation.loops import run_periodically
from agenciaos_jobs.foundation.metric_reporter import MetricReporter
from agenciaos_jobs.http import auth, body, keys, shutdown
from agenciaos_jobs.http.client_address import CLIENT_ADDRESSES, UNTRUSTED_PROXY, ClientAddresses
from agenciaos_jobs.http.connections import PROXIES_KEEP_ALIVE, ConnectionLimits
from agenciaos_jobs.http.fixed_window import FixedWindow
from agenciaos_jobs.http.middleware import finish_headers, observe
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.public_url import PUBLIC_URL
from agenciaos_jobs.payments import webhook
from agenciaos_jobs.payments.assignment import ASSIGNMENTS
from agenciaos_jobs.payments.resources import PAYMENTS, Payments
from agenciaos_jobs.people.audit import Audit
from agenciaos_jobs.people.openid import OpenID
from agenciaos_jobs.reports.endpoints import reports, unsubscribe
from agenciaos_jobs.reports.resources import REPORTS, Reports
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.trigger_dev import (
    batches,
    bulk_actions,
    large_payloads,
    metadata_and_tags,
    not_implemented,
    queues,
    realtime,
    run_actions,
    run_list,
    schedules,
    streams,
    wait_tokens,
)
from agenciaos_jobs.trigger_dev import trigger as tasks
from agenciaos_jobs.trigger_dev.tokens import claims
from agenciaos_jobs.wiring import Runtime, open_runtime, tune_gc

_OPERATIONS = [
    *trigger.OPERATIONS,
    *agent_list.OPERATIONS,
    *tasks.OPERATIONS,
    *batches.OPERATIONS,
    *large_payloads.OPERATIONS,
    *run_list.OPERATIONS,
    *metadata_and_tags.OPERATIONS,
    *run_actions.OPERATIONS,
    *bulk_actions.OPERATIONS,
    *openai_webhook.OPERATIONS,
    *realtime.OPERATIONS,
    *streams.OPERATIONS,
    *schedules.OPERATIONS,
    *queues.OPERATIONS,
    *claims.OPERATIONS,
    *wait_tokens.OPERATIONS,
    *reports.OPERATIONS,
    *unsubscribe.OPERATIONS,
    *health.OPERATIONS,
    *openapi.OPERATIONS,
]


def operations() -> list[Operation]:
    """Every endpoint but the dashboard's pages."""
    return [*_OPERATIONS, *webhook.operations()]


def create_app(settings: Settings, clock: Clock | None = None) -> web.Application:
    """The application; it connects on startup and disconnects on cleanup."""
    assert settings.trigger_secret_key
    registry.add_modules(settings.jobs_modules)
    agents.add_folder(settings.agents_dir)

    async def connected(app: web.Application) -> AsyncIterator[None]:
        async with open_runtime(settings, clock, "server") as runtime:
            _bind(app, runtime)
            watch = asyncio.create_task(metrics.watch_loop())
            await _open_dashboard(app, runtime)
            async with _housekeeping(app, runtime):
                yield
            await app[keys.BULK].close()
            watch.cancel()

    # Bodies are not decompressed: compressed ones are refused before they are read.
    app = web.Application(middlewares=[observe], client_max_size=body.MAX_BODY, handler_args={"auto_decompress": False})
    _configure(app, settings)
    app[keys.DRAINING] = asyncio.Event()
    app[realtime.OPEN_POLLS] = Counter()
    app.cleanup_ctx.append(connected)
    app.on_response_prepare.append(finish_headers)
    app.on_shutdown.append(_end_subscriptions)
    every = operations()
    document: Callable[[], dict[str, Any]] = cache(lambda: openapi.document(every, settings.public_url))  # takes 0.1 s
    app[keys.API_DOCUMENT] = document
    for operation in every:
        operation.add_to(app)
    dashboard.add_to(app)
    not_implemented.add_to(app)
    return app


@asynccontextmanager
async def _housekeeping(app: web.Application, runtime: Runtime) -> AsyncIterator[None]:
    """Runs the notifier on the server too, which alerts when no worker is running, and then delivers overdue notices.

    Reports metrics, and for the command ``check`` that a proxy is not trusted.
    """
    stop, database = asyncio.Event(), runtime.database.within(ENGINE_TIMEOUT)
    reporter = MetricReporter(database)

    async def run_once() -> None:
        await runtime.notifier.run_on_server()
        await reporter.flush()
        if app[CLIENT_ADDRESSES].has_untrusted_proxy:
            await retention.try_claim_maintenance(database, UNTRUSTED_PROXY, runtime.clock.now(), timedelta(hours=1))

    loop = asyncio.create_task(run_periodically(CONDITIONS_EVERY, run_once, stop))
    try:
        yield
    finally:
        stop.set()
        await loop


def _configure(app: web.Application, settings: Settings) -> None:
    secret_keys = tuple(settings.values_of("trigger_secret_key"))
    app[keys.SECRET_KEYS] = secret_keys
    app[keys.KEY_DIGESTS] = {
        name: auth.digest_of(key) for name, key in zip(("key", "previous"), secret_keys, strict=False)
    }
    app[keys.WINDOWS] = {
        "key": FixedWindow(settings.rate_limit_key),
        "address": FixedWindow(settings.rate_limit_address),
    }
    app[openai_webhook.OPENAI_WEBHOOK] = OpenAIWebhook(settings.values_of("openai_webhook_secret"))
    app[CLIENT_ADDRESSES] = ClientAddresses(settings.trusted_proxies, settings.client_ip_header)
    app[keys.BODY_TIMEOUT] = settings.body_timeout
    app[keys.SLOTS] = settings.worker_max_jobs
    app[PUBLIC_URL] = URL(settings.public_url or "")
    app[keys.METRICS_TOKEN] = settings.metrics_token.get_secret_value() if settings.metrics_token else ""


def _bind(app: web.Application, runtime: Runtime) -> None:
    database, clock = runtime.database.within(REQUEST_TIMEOUT), runtime.clock
    app[keys.BATCHES] = Batches(database, runtime.intake, clock)
    app[keys.CHANGES] = ChangeFeed(database, clock)
    app[keys.ALERTING] = runtime.alerting
    app[keys.ALERTS] = runtime.alerting.buffer
    app[keys.LIVE] = Live(database, app[keys.CHANGES], clock)
    app[keys.SCHEDULE_ADMIN] = ScheduleAdmin(database, clock, registry.JOBS)
    app[keys.INTAKE] = runtime.intake
    app[keys.DEBOUNCER] = Debouncer(database, runtime.intake, runtime.outbox, clock)
    app[REPORTS] = runtime.resources[Reports]
    app[keys.CONTROL] = runtime.control
    app[keys.WAIT_TOKENS] = runtime.wait_tokens
    app[ASSIGNMENTS] = runtime.assignments
    app[PAYMENTS] = runtime.resources[Payments]
    app[MONTHLY_LIMITS] = runtime.resources[AIContent].monthly_limits
    app[AI_BUDGET] = runtime.settings.ai_budget_usd
    app[keys.CLOCK] = clock
    app[keys.DATABASE], app[keys.LONG_READS] = database, runtime.database
    app[keys.QUEUE_ADMIN] = QueueAdmin(database, runtime.outbox, clock, registry.JOBS)
    app[keys.QUEUE], app[keys.QUEUE_PROBE] = runtime.queue, CachedProbe(runtime.queue.redis)
    app[keys.REDACTOR] = runtime.redactor


async def _open_dashboard(app: web.Application, runtime: Runtime) -> None:
    given = runtime.settings.dashboard_password
    access = Access(app[keys.DATABASE], runtime.clock, given.get_secret_value() if given else None)
    await access.open(_announce)
    app[OPENID] = _provider(runtime.settings)
    app[ACCESS], app[AUDIT] = access, Audit(app[keys.DATABASE], runtime.clock)
    app[keys.BULK] = Bulk(runtime.database.within(ENGINE_TIMEOUT), runtime.control, runtime.clock)
    await app[keys.BULK].resume()


def _provider(settings: Settings) -> OpenID | None:
    if settings.oidc_issuer is None:
        return None
    assert settings.oidc_client_id
    assert settings.oidc_client_secret
    assert settings.oidc_domains
    secret = settings.oidc_client_secret.get_secret_value()
    return OpenID(settings.oidc_issuer, settings.oidc_client_id, secret, settings.oidc_domains)


def _announce(password: str) -> None:
    """Prints the generated password, the only time it is shown. It bypasses the log, which redacts secrets."""
    with suppress(OSError):
        print(
            f"DASHBOARD_PASSWORD: {password} (gerada agora, não será mostrada de novo / shown this once)",
            file=sys.stderr,
        )


async def _end_subscriptions(app: web.Application) -> None:
    """Completes open long polls, so that they do not delay the shutdown."""
    await app[keys.CHANGES].close()


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the open requests."""
    delay, grace = settings.shutdown_delay, settings.shutdown_grace
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        app = create_app(settings)
        app.on_startup.append(_tune_gc)
        limits = ConnectionLimits(settings.max_connections)
        if app[CLIENT_ADDRESSES].are_reported:
            limits = replace(limits, half_open=None, keep_alive=PROXIES_KEEP_ALIVE)
        runner.run(shutdown.serve(app, settings.host, settings.port, limits, delay=delay, grace=grace))


async def _tune_gc(_: web.Application) -> None:
    tune_gc()
