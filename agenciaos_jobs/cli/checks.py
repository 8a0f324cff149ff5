"""Findings of ``check`` about settings: access, limits, observability."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal
from urllib.parse import urlsplit

from agenciaos_jobs import registry
from agenciaos_jobs.ai_content import agents
from agenciaos_jobs.ai_content.agents import AgentError
from agenciaos_jobs.foundation.connections import postgres_url, redis_url
from agenciaos_jobs.foundation.connections.postgres_url import DatabaseURL
from agenciaos_jobs.foundation.connections.redis_url import RedisURL
from agenciaos_jobs.registry import JobsModuleError
from agenciaos_jobs.settings import Settings

State = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """The result of one check: its state, what was checked, and what was found or what to do about it."""

    state: State
    name: str
    text: str


_TIMEOUT = 3
_MIN_PASSWORD_LENGTH = 12


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """The findings that need no database."""
    if settings.jobs_modules:
        yield _jobs_modules(settings)
    if settings.agents_dir:
        yield _agents(settings)
    for finding in _rotation(settings):
        yield finding
    yield _password(settings)
    yield _limits(settings)
    if settings.arq_producers:
        yield Finding("ok", "ARQ_PRODUCERS", "on: whoever can write to Redis starts runs without a key")
    yield _background(settings)
    yield _log(settings)
    yield await _traces(settings.otel_exporter_otlp_endpoint)


def of_connection_strings(settings: Settings) -> Iterator[Finding]:
    """The options of DATABASE_URL and REDIS_URL that have no effect."""
    if settings.database_url:
        ignored = DatabaseURL.read(settings.database_url.get_secret_value()).ignored
        yield from _ignored("DATABASE_URL", ignored, postgres_url.HARMLESS)
    if settings.redis_url:
        yield from _ignored(
            "REDIS_URL", RedisURL.read(settings.redis_url.get_secret_value()).ignored, redis_url.HARMLESS
        )


def _ignored(name: str, ignored: Collection[str], harmless: Collection[str]) -> Iterator[Finding]:
    if unknown := [option for option in ignored if option not in harmless]:
        yield Finding(
            "warning", name, f"{', '.join(unknown)} ignored: not supported here (docs/operations.md); remove it"
        )
    elif ignored:
        yield Finding("ok", name, f"{', '.join(ignored)} ignored: not needed here")


def _jobs_modules(settings: Settings) -> Finding:
    before = set(registry.JOBS)
    try:
        registry.add_modules(settings.jobs_modules)
    except JobsModuleError as error:
        return Finding(
            "fault", "JOBS_MODULES", f"{str(error).removeprefix('JOBS_MODULES: ')}; nothing starts like this"
        )
    return Finding("ok", "JOBS_MODULES", f"adds {', '.join(sorted(set(registry.JOBS) - before))}")


def _agents(settings: Settings) -> Finding:
    before = dict(agents.AGENTS)
    try:
        agents.add_folder(settings.agents_dir)
    except AgentError as error:
        return Finding("fault", "AGENTS_DIR", f"{str(error).removeprefix('AGENTS_DIR: ')}; nothing starts like this")
    changed = sorted(name for name, agent in agents.AGENTS.items() if before.get(name) is not agent)
    return Finding("ok", "AGENTS_DIR", f"adds or changes {', '.join(changed) or 'nothing'}")


def _rotation(settings: Settings) -> Iterator[Finding]:
    names = [name.upper() for name in Settings.model_fields if name.endswith("_previous") and getattr(settings, name)]
    for name in names:
        yield Finding("warning", name, "still accepted: remove it once nobody uses it")
    if not names:
        yield Finding("ok", "rotation", "no former secret is accepted; docs/security.md explains how to rotate one")


def _password(settings: Settings) -> Finding:
    name, given = "DASHBOARD_PASSWORD", settings.dashboard_password
    if given is None:
        return Finding(
            "warning", name, "not set: the first server generates one and shows it once; set one that you can look up"
        )
    if len(given.get_secret_value()) < _MIN_PASSWORD_LENGTH:
        return Finding(
            "warning",
            name,
            f"has fewer than {_MIN_PASSWORD_LENGTH} characters: it gives access to every run; use a longer one",
        )
    return Finding("ok", name, "set")


def _limits(settings: Settings) -> Finding:
    limits = {"RATE_LIMIT_KEY": settings.rate_limit_key, "RATE_LIMIT_ADDRESS": settings.rate_limit_address}
    if off := [name for name, limit in limits.items() if not limit]:
        return Finding("warning", "rate limits", f"{' and '.join(off)} 0: callers are not limited; set a number")
    key, address = limits.values()
    text = f"in ten seconds {key} requests with a key, {address} from an address without; on each server"
    return Finding("ok", "rate limits", text)


def _background(settings: Settings) -> Finding:
    if not settings.openai_background:
        return Finding("ok", "OPENAI_BACKGROUND", "off: a generation occupies a worker slot until it ends")
    if settings.openai_webhook_secret:
        return Finding("ok", "OPENAI_WEBHOOK_SECRET", "set: OpenAI reports completed responses at /webhooks/openai")
    advice = "background responses are polled every few seconds; create a webhook at OpenAI (docs/operations.md)"
    return Finding("warning", "OPENAI_WEBHOOK_SECRET", f"not set: {advice}")


def _log(settings: Settings) -> Finding:
    if settings.log_format == "console":
        return Finding("warning", "LOG_FORMAT", "console: for people; set json where a log platform reads")
    if settings.log_level == "debug":
        return Finding("warning", "LOG_LEVEL", "debug: several lines per run; info has the outcomes")
    return Finding("ok", "LOG_FORMAT", f"json, level {settings.log_level} and above")


async def _traces(endpoint: str | None) -> Finding:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    if endpoint is None:
        return Finding("ok", name, "not set: no traces; set it to an OTLP receiver's address to get them")
    if find_spec("opentelemetry.sdk") is None:
        return Finding("fault", name, "is set: install agenciaos-jobs[otel]")
    parts = urlsplit(endpoint)
    if await _is_answered(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)):
        return Finding("ok", name, f"{endpoint} answers")
    return Finding(
        "warning", name, f"no answer from {endpoint}: traces are dropped until it is back; is the address right?"
    )


async def _is_answered(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
