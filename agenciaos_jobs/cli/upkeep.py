"""What `check` has to say of keys in rotation, answers in the background, traces and retention."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.util import find_spec
from typing import Literal
from urllib.parse import urlsplit

from agenciaos_jobs.core.clock import SystemClock
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.storage import retention
from agenciaos_jobs.storage.database import Database

State = Literal["ok", "warning", "fault"]
Finding = tuple[State, str, str]

_PATIENCE = 3
_STALE = timedelta(days=2)


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """What can be told without the database."""
    for name in ("TRIGGER_SECRET_KEY_PREVIOUS", "OPENAI_WEBHOOK_SECRET_PREVIOUS"):
        if getattr(settings, name.lower()):
            yield "warning", name, "still accepted: remove it once nobody uses it"
    if settings.openai_background and settings.openai_api_key:
        yield _webhook(settings)
    if settings.otel_exporter_otlp_endpoint:
        yield await _traces(settings.otel_exporter_otlp_endpoint)


def _webhook(settings: Settings) -> Finding:
    if settings.openai_webhook_secret:
        return "ok", "OPENAI_WEBHOOK_SECRET", "set: OpenAI announces answers at /webhooks/openai"
    return "warning", "OPENAI_WEBHOOK_SECRET", "not set: answers in the background are asked for every few seconds"


async def _traces(endpoint: str) -> Finding:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    if find_spec("opentelemetry") is None:
        return "fault", name, "is set: install agenciaos-jobs[otel]"
    parts = urlsplit(endpoint)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError) as error:
        return "warning", name, f"no answer from {endpoint} ({type(error).__name__}): traces are dropped meanwhile"
    writer.close()
    return "ok", name, f"{endpoint} answers"


async def of_database(pool: Database, settings: Settings) -> AsyncIterator[Finding]:
    """What the database tells of it; its schema must be up to date."""
    now = SystemClock().now()
    kept = f"completed runs {settings.retain_completed_days} days, failed ones {settings.retain_failed_days}"
    pruned_at = await retention.last_done(pool, "prune")
    if pruned_at and now - pruned_at > _STALE:
        yield "warning", "retention", f"{kept}; last done {pruned_at:%Y-%m-%d}: is a worker running?"
    else:
        yield (
            "ok",
            "retention",
            f"{kept}; {f'last done {pruned_at:%Y-%m-%d %H:%M} UTC' if pruned_at else 'not done yet'}",
        )
    if stray := await retention.outside_months(pool):
        yield "warning", "partitions", f"{stray} runs stand in no month's: they are fine, and never pruned"
    else:
        yield "ok", "partitions", "every run stands in its month's"
