"""Typed keys of what handlers read from the application and the request."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from agenciaos_jobs.alerts.alerting import Alerting
from agenciaos_jobs.alerts.buffer import AlertBuffer
from agenciaos_jobs.engine.batches import Batches
from agenciaos_jobs.engine.bulk import Bulk
from agenciaos_jobs.engine.change_feed import ChangeFeed
from agenciaos_jobs.engine.control import Control
from agenciaos_jobs.engine.debouncing import Debouncer
from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.queue import Queue
from agenciaos_jobs.engine.queue_admin import QueueAdmin
from agenciaos_jobs.engine.queue_probe import CachedProbe
from agenciaos_jobs.engine.schedule_admin import ScheduleAdmin
from agenciaos_jobs.engine.subscriptions import Live
from agenciaos_jobs.engine.wait_tokens import WaitTokens
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.http.fixed_window import FixedWindow
from agenciaos_jobs.http.public_token import PublicToken

API_DOCUMENT: web.AppKey[Callable[[], dict[str, Any]]] = web.AppKey("api_document")
"""The OpenAPI document, of which the reference is made."""
ALERTING = web.AppKey("alerting", Alerting)
ALERTS = web.AppKey("alerts", AlertBuffer)
BATCHES = web.AppKey("batches", Batches)
BODY: web.RequestKey[bytes | None] = web.RequestKey("body")
BODY_TIMEOUT = web.AppKey("body_timeout", float)
BULK = web.AppKey("bulk", Bulk)
CHANGES = web.AppKey("changes", ChangeFeed)
CLOCK = web.AppKey("clock", Clock)
CONTROL = web.AppKey("control", Control)
DATABASE = web.AppKey("database", Database)
LONG_READS = web.AppKey("long_reads", Database)
"""The same database, for lists, overviews and exports, whose statements may take a minute."""
DEBOUNCER = web.AppKey("debouncer", Debouncer)
DRAINING = web.AppKey("draining", asyncio.Event)
INTAKE = web.AppKey("intake", Intake)
KEY_DIGESTS = web.AppKey("key_digests", dict[str, bytes])
WINDOWS = web.AppKey("windows", dict[str, FixedWindow])
LIVE = web.AppKey("live", Live)
METRICS_TOKEN = web.AppKey("metrics_token", str)
"""What ``/metrics`` requires as a bearer token; empty if it is open."""
PUBLIC_TOKEN = web.RequestKey("public_token", PublicToken)
PROBLEM_PAGE: web.AppKey[Callable[[web.Request, DomainError], web.Response | None]] = web.AppKey("problem_page")
"""Renders an error as a page for a browser; ``None`` for any other client."""

QUEUE = web.AppKey("queue", Queue)
QUEUE_ADMIN = web.AppKey("queue_admin", QueueAdmin)
QUEUE_PROBE = web.AppKey("queue_probe", CachedProbe)
REDACTOR = web.AppKey("redactor", Redactor)
REQUEST_ID = web.RequestKey("request_id", str)
SLOTS = web.AppKey("slots", int)
"""The number of runs that a worker executes concurrently."""
SCHEDULE_ADMIN = web.AppKey("schedule_admin", ScheduleAdmin)
QUOTA: web.RequestKey[dict[str, str] | None] = web.RequestKey("quota")
SECRET_KEYS = web.AppKey("secret_keys", tuple[str, ...])
"""The current key and, during a rotation, the previous one."""
WAIT_TOKENS = web.AppKey("wait_tokens", WaitTokens)
