"""What `check` has to say of who may enter, of what the service tells of itself, and of retention."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from importlib.util import find_spec
from typing import Literal
from urllib.parse import urlsplit

from agenciaos_jobs.engine.store import retention
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.settings import Settings

State = Literal["ok", "warning", "fault"]
Finding = tuple[State, str, str]

_PATIENCE = 3
_SHORTEST_PASSWORD = 12
_STALE = timedelta(days=2)


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """What can be told without the database."""
    for finding in _rotation(settings):
        yield finding
    yield _password(settings)
    yield _limits(settings)
    yield _background(settings)
    yield _log(settings)
    yield await _traces(settings.otel_exporter_otlp_endpoint)


def _rotation(settings: Settings) -> Iterator[Finding]:
    names = [name.upper() for name in Settings.model_fields if name.endswith("_previous") and getattr(settings, name)]
    for name in names:
        yield "warning", name, "still good: remove it once nobody uses it"
    if not names:
        yield "ok", "rotation", "no former secret is accepted; docs/security.md tells how to rotate one"


def _password(settings: Settings) -> Finding:
    name, given = "DASHBOARD_PASSWORD", settings.dashboard_password
    if given is None:
        return "warning", name, "not set: the first server makes one and shows it once; set one that you can find again"
    if len(given.get_secret_value()) < _SHORTEST_PASSWORD:
        return "warning", name, f"has fewer than {_SHORTEST_PASSWORD} characters: it opens every run; take a longer one"
    return "ok", name, "set"


def _limits(settings: Settings) -> Finding:
    limits = {"RATE_LIMIT_KEY": settings.rate_limit_key, "RATE_LIMIT_ADDRESS": settings.rate_limit_address}
    if off := [name for name, limit in limits.items() if not limit]:
        return "warning", "rate limits", f"{' and '.join(off)} 0: nothing holds a caller back; set a number"
    key, address = limits.values()
    text = f"in ten seconds {key} requests with a key, {address} from an address without; on each server"
    return "ok", "rate limits", text


def _background(settings: Settings) -> Finding:
    if not settings.openai_background:
        return "ok", "OPENAI_BACKGROUND", "off: a long text holds a worker's slot while it is written"
    if settings.openai_webhook_secret:
        return "ok", "OPENAI_WEBHOOK_SECRET", "set: OpenAI announces answers at /webhooks/openai"
    advice = "answers in the background are asked for every few seconds; make a webhook at OpenAI (docs/operations.md)"
    return "warning", "OPENAI_WEBHOOK_SECRET", f"not set: {advice}"


def _log(settings: Settings) -> Finding:
    if settings.log_format == "console":
        return "warning", "LOG_FORMAT", "console: for people; set json where a log platform reads"
    if settings.log_level == "debug":
        return "warning", "LOG_LEVEL", "debug: several lines a run; info tells what happened"
    return "ok", "LOG_FORMAT", f"json, from {settings.log_level} on"


async def _traces(endpoint: str | None) -> Finding:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    if endpoint is None:
        return "ok", name, "not set: no traces; set it to an OTLP receiver's address to get them"
    if find_spec("opentelemetry.sdk") is None:
        return "fault", name, "is set: install agenciaos-jobs[otel]"
    parts = urlsplit(endpoint)
    if await _is_answered(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)):
        return "ok", name, f"{endpoint} answers"
    return "warning", name, f"no answer from {endpoint}: traces are dropped until it is back; is the address right?"


async def _is_answered(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def of_database(pool: Database, settings: Settings) -> AsyncIterator[Finding]:
    """What the database tells of it; its schema must be up to date."""
    now = SystemClock().now()
    says = Formatter("en", now)
    kept = f"completed runs {settings.retain_completed_days} days, failed ones {settings.retain_failed_days}"
    pruned_at = await retention.last_done(pool, "prune")
    if pruned_at and now - pruned_at > _STALE:
        yield "warning", "retention", f"{kept}; last done {says.moment(pruned_at)}: is a worker running?"
    else:
        yield (
            "ok",
            "retention",
            f"{kept}; {f'last done {says.moment(pruned_at)}' if pruned_at else 'not done yet'}",
        )
    if stray := await retention.outside_months(pool):
        yield "warning", "partitions", f"{stray} runs stand in no month's: they are fine, and never pruned"
    else:
        yield "ok", "partitions", "every run stands in its month's"
