"""The command check: one line per finding, with the remedy of each fault."""

import asyncio
import sys
from collections.abc import AsyncIterator

import asyncpg
import click
from rich.console import Console
from rich.markup import escape

from agenciaos_jobs.ai_content.openai.errors import KeyRefusedError, ModelMissingError
from agenciaos_jobs.cli import alerts, checks, database_checks
from agenciaos_jobs.cli.checks import Finding, State
from agenciaos_jobs.cli.common import load_settings, quiet_logs
from agenciaos_jobs.engine import queue, queue_probe
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.engine.queue import Queue
from agenciaos_jobs.engine.queue_probe import UnusableQueueError
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.foundation import agencies, database, migrate
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.connections.connector import UnsupportedPostgresError
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.migrate import SchemaError
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.resources import model_of
from agenciaos_jobs.settings import Settings, SettingsError, dotenv_in_use

_MARKS = {"ok": "[green]✔[/]", "warning": "[yellow]![/]", "fault": "[red]✘[/]"}
_TIMEOUT = 10


@click.command()
def check() -> None:
    """Confere configuração, banco, fila e chaves / Checks settings, database, queue and keys.

    Uma linha para cada coisa, com o que fazer se houver falha. Código de saída 1 se algo impede o serviço de funcionar.
    """
    if not asyncio.run(_print_findings(Console(soft_wrap=True, highlight=False))):
        sys.exit(1)


async def _print_findings(console: Console) -> bool:
    is_fine = True
    async for finding in _findings():
        console.print(f"{_MARKS[finding.state]} [bold]{finding.name}[/] {escape(finding.text)}")
        is_fine = is_fine and finding.state != "fault"
    return is_fine


async def _findings() -> AsyncIterator[Finding]:
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding("fault", "settings", str(error).replace("\n", "; "))
        return
    quiet_logs(settings)
    yield Finding("ok", "settings", f"read from the environment{' and .env' if dotenv_in_use() else ''}")
    yield _set(
        settings.trigger_secret_key,
        "TRIGGER_SECRET_KEY",
        "fault",
        "`serve` refuses to start; make one and give it to the application",
    )
    for finding in checks.of_connection_strings(settings):
        yield finding
    async for finding in _database(settings):
        yield finding
    yield await _queue(settings)
    yield await _openai(settings)
    async for finding in _providers(settings):
        yield finding
    for source in (checks.findings(settings), alerts.findings(settings)):
        async for finding in source:
            yield finding


def _set(value: object, name: str, state: State, advice: str) -> Finding:
    return Finding("ok", name, "set") if value else Finding(state, name, f"not set: {advice}")


async def _providers(settings: Settings) -> AsyncIterator[Finding]:
    for kind in PROVIDERS:
        provider = kind(settings, SystemClock())
        try:
            async for state, name, text in provider.check():
                yield Finding(state, name, text)
        finally:
            await provider.close()


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    if settings.database_url is None:
        yield Finding(
            "fault", "DATABASE_URL", "not set: give it the Postgres of AgênciaOS, or run `agenciaos-jobs dev`"
        )
        return
    direct_url = settings.direct_url.get_secret_value() if settings.direct_url else None
    try:
        pool = await database.connect(
            settings.database_url.get_secret_value(), direct_url=direct_url, size=1, max_wait=_TIMEOUT
        )
    except UnsupportedPostgresError as error:
        yield Finding("fault", "database", str(error))
        return
    except (DatabaseUnavailableError, ValueError, asyncpg.PostgresError) as error:
        yield Finding(
            "fault",
            "database",
            f"can't connect ({type(error).__name__}: {error}): check DATABASE_URL and that the server runs",
        )
        return
    try:
        async for finding in _of_pool(pool, settings):
            yield finding
    except asyncpg.InsufficientPrivilegeError as error:
        yield Finding("fault", "privileges", f"{error}; see docs/postgres-role.sql")
    finally:
        await pool.close()


async def _of_pool(pool: Database, settings: Settings) -> AsyncIterator[Finding]:
    clock = SystemClock()
    yield Finding("ok", "database", "connected")
    async for finding in database_checks.of_connection(pool, clock):
        yield finding
    schema = await _schema(pool)
    yield schema
    if missing := await agencies.tables_missing(pool):
        yield Finding(
            "fault",
            "application tables",
            f"{', '.join(missing)} missing: DATABASE_URL must name the application's database",
        )
    else:
        yield Finding("ok", "application tables", "present")
    yield await _workers(pool)
    if schema.state == "ok":
        async for finding in database_checks.of_schema(pool, settings, clock):
            yield finding


async def _schema(pool: Database) -> Finding:
    try:
        await migrate.require_schema(pool)
    except SchemaError as error:
        return Finding("fault", "schema", str(error))
    return Finding("ok", "schema", f"version {await migrate.schema_version(pool)}")


async def _workers(pool: Database) -> Finding:
    if not await migrate.schema_version(pool):
        return Finding("warning", "workers", "unknown before `agenciaos-jobs migrate`")
    alive = await workers.alive(pool, SystemClock().now())
    if alive:
        return Finding("ok", "workers", f"{alive} alive")
    return Finding("warning", "workers", "none alive: start one with `arq agenciaos_jobs.worker.WorkerSettings`")


async def _queue(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding("fault", "REDIS_URL", "not set: give it a Redis, or run `agenciaos-jobs dev`")
    client = Queue(queue.connect(settings.redis_url.get_secret_value(), settings.redis_tls_verify))
    try:
        await queue_probe.probe(client.redis)
    except UnusableQueueError as error:
        return Finding("fault", "queue", error.text.en)
    except queue.UNAVAILABLE as error:
        return Finding(
            "fault",
            "queue",
            f"no response ({type(error).__name__}): check REDIS_URL; runs are stored, and sent once it is back",
        )
    finally:
        await client.close()
    return Finding("ok", "queue", "runs the scripts, and carries messages")


async def _openai(settings: Settings) -> Finding:
    if settings.openai_api_key is None:
        return Finding("warning", "OPENAI_API_KEY", "not set: AI runs fail with openai_not_configured")
    if settings.openai_api_key.get_secret_value() == "stand-in":
        return Finding("warning", "OPENAI_API_KEY", "the local stand-in answers: set a key to use a model")
    model = model_of(settings, SystemClock())
    try:
        await model.check()
    except KeyRefusedError:
        return Finding("fault", "OPENAI_API_KEY", f"refused by {settings.openai_base_url}: make a new key")
    except ModelMissingError:
        missing = f"{settings.openai_model} is not available with this key: choose another"
        return Finding("fault", "OPENAI_MODEL", missing)
    except (GiveUp, RetryLater) as error:
        unchecked = f"could not be checked ({error}): is {settings.openai_base_url} reachable?"
        return Finding("warning", "OPENAI_API_KEY", unchecked)
    finally:
        await model.close()
    return Finding("ok", "OPENAI_API_KEY", f"accepted, {settings.openai_model} is available")
