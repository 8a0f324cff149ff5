"""The command check: one line per finding, with the remedy of each fault."""

import asyncio
import sys
from collections.abc import AsyncIterator

import asyncpg
import click
from rich.console import Console
from rich.markup import escape

from agenciaos_jobs.cli import alerts, checks, database_checks, service_checks
from agenciaos_jobs.cli.checks import SET, Finding
from agenciaos_jobs.cli.common import load_settings, quiet_logs
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.foundation import agencies, database, migrate
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.connections.connector import UnsupportedPostgresError
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.i18n.terminal import language
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.migrate import SchemaError
from agenciaos_jobs.settings import Settings, SettingsError, dotenv_in_use

_MARKS = {"ok": "[green]✔[/]", "warning": "[yellow]![/]", "fault": "[red]✘[/]"}
_TIMEOUT = 10
_DATABASE = Text("banco", "database")


@click.command()
def check() -> None:
    """Confere configuração, banco, fila e chaves / Checks settings, database, queue and keys.

    Uma linha para cada coisa, com o que fazer se houver falha. Código de saída 1 se algo impede o serviço de funcionar.
    / One line for each finding, with the remedy of each fault. Exit code 1 if something keeps the service from working.
    """
    if not asyncio.run(_print_findings(Console(soft_wrap=True, highlight=False))):
        sys.exit(1)


async def _print_findings(console: Console) -> bool:
    is_fine = True
    async for finding in _findings():
        name, text = finding.shown(language())
        console.print(f"{_MARKS[finding.state]} [bold]{name}[/] {escape(text)}")
        is_fine = is_fine and finding.state != "fault"
    return is_fine


async def _findings() -> AsyncIterator[Finding]:
    name = Text("configurações", "settings")
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding("fault", name, str(error).replace("\n", "; "))
        return
    quiet_logs(settings)
    dotenv = Text(" e de .env", " and .env") if dotenv_in_use() else ""
    yield Finding(
        "ok", name, Text("lidas do ambiente{dotenv}", "read from the environment{dotenv}").format(dotenv=dotenv)
    )
    yield _secret_key(settings)
    for finding in checks.of_connection_strings(settings):
        yield finding
    async for finding in _database(settings):
        yield finding
    for source in (service_checks.findings(settings), checks.findings(settings), alerts.findings(settings)):
        async for finding in source:
            yield finding


def _secret_key(settings: Settings) -> Finding:
    if settings.trigger_secret_key:
        return Finding("ok", "TRIGGER_SECRET_KEY", SET)
    text = Text(
        "não definida: `serve` não inicia sem ela; gere uma e dê à aplicação",
        "not set: `serve` refuses to start; make one and give it to the application",
    )
    return Finding("fault", "TRIGGER_SECRET_KEY", text)


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    if settings.database_url is None:
        text = Text(
            "não definida: aponte para o Postgres da AgênciaOS, ou use `agenciaos-jobs dev`",
            "not set: give it the Postgres of AgênciaOS, or run `agenciaos-jobs dev`",
        )
        yield Finding("fault", "DATABASE_URL", text)
        return
    direct_url = settings.direct_url.get_secret_value() if settings.direct_url else None
    try:
        pool = await database.connect(
            settings.database_url.get_secret_value(), direct_url=direct_url, size=1, max_wait=_TIMEOUT
        )
    except UnsupportedPostgresError as error:
        yield Finding("fault", _DATABASE, str(error))
        return
    except (DatabaseUnavailableError, ValueError, asyncpg.PostgresError) as error:
        text = Text(
            "não conecta ({error}): confira DATABASE_URL e se o servidor está no ar",
            "can't connect ({error}): check DATABASE_URL and that the server runs",
        )
        yield Finding("fault", _DATABASE, text.format(error=f"{type(error).__name__}: {error}"))
        return
    try:
        async for finding in _of_pool(pool, settings):
            yield finding
    except asyncpg.InsufficientPrivilegeError as error:
        text = Text("{error}; veja docs/postgres-role.sql", "{error}; see docs/postgres-role.sql")
        yield Finding("fault", database_checks.PRIVILEGES, text.format(error=error))
    finally:
        await pool.close()


async def _of_pool(pool: Database, settings: Settings) -> AsyncIterator[Finding]:
    clock = SystemClock()
    yield Finding("ok", _DATABASE, Text("conectado", "connected"))
    async for finding in database_checks.of_connection(pool, clock):
        yield finding
    schema = await _schema(pool)
    yield schema
    name = Text("tabelas da aplicação", "application tables")
    if missing := await agencies.tables_missing(pool):
        text = Text(
            "{names} não existe: DATABASE_URL deve apontar para o banco da aplicação",
            "{names} missing: DATABASE_URL must name the application's database",
        )
        yield Finding("fault", name, text.format(names=", ".join(missing)))
    else:
        yield Finding("ok", name, Text("presentes", "present"))
    yield await _workers(pool)
    if schema.state == "ok":
        async for finding in database_checks.of_schema(pool, settings, clock):
            yield finding


async def _schema(pool: Database) -> Finding:
    try:
        await migrate.require_schema(pool)
    except SchemaError as error:
        return Finding("fault", "schema", str(error))
    version = await migrate.schema_version(pool)
    return Finding("ok", "schema", Text("versão {version}", "version {version}").format(version=version))


async def _workers(pool: Database) -> Finding:
    if not await migrate.schema_version(pool):
        text = Text("só se sabe depois de `agenciaos-jobs migrate`", "unknown before `agenciaos-jobs migrate`")
        return Finding("warning", "workers", text)
    alive = await workers.alive(pool, SystemClock().now())
    if alive:
        return Finding("ok", "workers", Text("{alive} ativo(s)", "{alive} alive").format(alive=alive))
    text = Text(
        "nenhum ativo: inicie um com `arq agenciaos_jobs.worker.WorkerSettings`",
        "none alive: start one with `arq agenciaos_jobs.worker.WorkerSettings`",
    )
    return Finding("warning", "workers", text)
