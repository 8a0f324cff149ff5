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
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.registry import JobsModuleError
from agenciaos_jobs.settings import Settings

State = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """The result of one check: its state, what was checked, and what was found or what to do about it."""

    state: State
    name: str | Text
    text: str | Text

    def shown(self, language: Language) -> tuple[str, str]:
        """The name and the text in one language."""
        name, text = (it.in_language(language) if isinstance(it, Text) else it for it in (self.name, self.text))
        return name, text


SET = Text("definido", "set")

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
        yield Finding(
            "ok",
            "ARQ_PRODUCERS",
            Text(
                "ligado: quem escreve no Redis inicia execuções sem chave",
                "on: whoever can write to Redis starts runs without a key",
            ),
        )
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
        text = Text(
            "sem efeito: {names}, que não existe aqui (docs/operations.md); retire da URL",
            "{names} ignored: not supported here (docs/operations.md); remove it",
        )
        yield Finding("warning", name, text.format(names=", ".join(unknown)))
    elif ignored:
        text = Text("sem efeito: {names}, que aqui não faz falta", "{names} ignored: not needed here")
        yield Finding("ok", name, text.format(names=", ".join(ignored)))


def _jobs_modules(settings: Settings) -> Finding:
    before = set(registry.JOBS)
    try:
        registry.add_modules(settings.jobs_modules)
    except JobsModuleError as error:
        text = Text("{error}; assim nada inicia", "{error}; nothing starts like this")
        return Finding("fault", "JOBS_MODULES", text.format(error=str(error).removeprefix("JOBS_MODULES: ")))
    added = ", ".join(sorted(set(registry.JOBS) - before))
    return Finding("ok", "JOBS_MODULES", Text("acrescenta {added}", "adds {added}").format(added=added))


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
        text = Text("ainda é aceito: retire quando ninguém mais usar", "still accepted: remove it once nobody uses it")
        yield Finding("warning", name, text)
    if not names:
        text = Text(
            "nenhum segredo anterior é aceito; docs/security.md explica como trocar um",
            "no former secret is accepted; docs/security.md explains how to rotate one",
        )
        yield Finding("ok", Text("rotação", "rotation"), text)


def _password(settings: Settings) -> Finding:
    name, given = "DASHBOARD_PASSWORD", settings.dashboard_password
    if given is None:
        text = Text(
            "não definida: o primeiro servidor gera uma e a mostra uma vez; defina uma que se possa consultar",
            "not set: the first server generates one and shows it once; set one that you can look up",
        )
        return Finding("warning", name, text)
    if len(given.get_secret_value()) < _MIN_PASSWORD_LENGTH:
        text = Text(
            "tem menos de {length} caracteres: dá acesso a todas as execuções; use uma mais longa",
            "has fewer than {length} characters: it gives access to every run; use a longer one",
        )
        return Finding("warning", name, text.format(length=_MIN_PASSWORD_LENGTH))
    return Finding("ok", name, SET)


def _limits(settings: Settings) -> Finding:
    name = Text("limites de requisições", "rate limits")
    limits = {"RATE_LIMIT_KEY": settings.rate_limit_key, "RATE_LIMIT_ADDRESS": settings.rate_limit_address}
    if off := [name for name, limit in limits.items() if not limit]:
        text = Text("{names} 0: sem limite; defina um número", "{names} 0: callers are not limited; set a number")
        return Finding("warning", name, text.format(names=", ".join(off)))
    text = Text(
        "em dez segundos, {key} requisições com chave e {address} de um endereço sem chave; em cada servidor",
        "in ten seconds {key} requests with a key, {address} from an address without; on each server",
    )
    return Finding("ok", name, text.format(key=settings.rate_limit_key, address=settings.rate_limit_address))


def _background(settings: Settings) -> Finding:
    if not settings.openai_background:
        text = Text(
            "desligado: uma geração ocupa uma vaga do worker até o fim",
            "off: a generation occupies a worker slot until it ends",
        )
        return Finding("ok", "OPENAI_BACKGROUND", text)
    if settings.openai_webhook_secret:
        text = Text(
            "definido: a OpenAI avisa em /webhooks/openai quando uma resposta fica pronta",
            "set: OpenAI reports completed responses at /webhooks/openai",
        )
        return Finding("ok", "OPENAI_WEBHOOK_SECRET", text)
    text = Text(
        "não definido: as respostas são consultadas a cada poucos segundos; crie um webhook na OpenAI"
        " (docs/operations.md)",
        "not set: background responses are polled every few seconds; create a webhook at OpenAI (docs/operations.md)",
    )
    return Finding("warning", "OPENAI_WEBHOOK_SECRET", text)


def _log(settings: Settings) -> Finding:
    if settings.log_format == "console":
        text = Text(
            "console: para pessoas; use json onde uma plataforma de logs lê",
            "console: for people; set json where a log platform reads",
        )
        return Finding("warning", "LOG_FORMAT", text)
    if settings.log_level == "debug":
        text = Text(
            "debug: várias linhas por execução; info já traz os resultados",
            "debug: several lines per run; info has the outcomes",
        )
        return Finding("warning", "LOG_LEVEL", text)
    text = Text("json, do nível {level} para cima", "json, level {level} and above")
    return Finding("ok", "LOG_FORMAT", text.format(level=settings.log_level))


async def _traces(endpoint: str | None) -> Finding:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    if endpoint is None:
        text = Text(
            "não definido: sem traces; para tê-los, dê o endereço de um receptor OTLP",
            "not set: no traces; set it to an OTLP receiver's address to get them",
        )
        return Finding("ok", name, text)
    if find_spec("opentelemetry.sdk") is None:
        text = Text("definido: instale agenciaos-jobs[otel]", "is set: install agenciaos-jobs[otel]")
        return Finding("fault", name, text)
    parts = urlsplit(endpoint)
    if await _is_answered(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)):
        return Finding("ok", name, Text("{endpoint} responde", "{endpoint} answers").format(endpoint=endpoint))
    text = Text(
        "{endpoint} não responde: os traces se perdem até voltar; o endereço está certo?",
        "no answer from {endpoint}: traces are dropped until it is back; is the address right?",
    )
    return Finding("warning", name, text.format(endpoint=endpoint))


async def _is_answered(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
