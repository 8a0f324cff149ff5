"""``agenciaos-jobs dev``: the whole service until Ctrl-C, with data that persists."""

import asyncio
import time
from pathlib import Path

from rich.console import Console

from agenciaos_jobs.dev import data_directory, seed, stack
from agenciaos_jobs.foundation import agencies, database, migrate
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.settings import Settings

_GRACE = "2"


def dev(settings: Settings, console: Console, directory: Path, *, fresh: bool) -> None:
    """Runs until Ctrl-C; raises ``StackError`` when a process ends by itself, or if ``directory`` can't be used."""
    report = lambda text: console.print(f"[green]✔[/] {text}", soft_wrap=True, highlight=False)  # noqa: E731
    try:
        with (
            stack.terminable(),
            data_directory.reserved(directory, fresh=fresh, is_own=directory.parent == stack.home()),
            stack.backing(directory, settings, report) as environment,
        ):
            asyncio.run(_prepare(environment["DATABASE_URL"]))
            port = stack.choose_port(settings.port)
            environment |= {
                "TRIGGER_SECRET_KEY": stack.secret_key(directory, settings),
                "DASHBOARD_PASSWORD": stack.dashboard_password(directory, settings),
                "LOG_FORMAT": "console" if console.is_terminal else "json",
                "SHUTDOWN_GRACE": _GRACE,
            }
            with stack.announced(environment), stack.service(environment, port, None) as service:
                _introduce(service, console, directory)
                while True:
                    service.check()
                    time.sleep(0.2)
    except KeyboardInterrupt:
        console.print(t("\nParado", "\nStopped"))


async def _prepare(url: str) -> None:
    pool = await database.connect(url, size=1)
    try:
        async with pool.connection() as connection:
            await seed.create_application_tables(connection)
            await migrate.migrate(connection, SystemClock().now(), lambda _: None)
            if not await agencies.count_others(connection, seed.AGENCIES):
                await seed.seed(connection, SystemClock().now())
    finally:
        await pool.close()


def _introduce(service: stack.Stack, console: Console, directory: Path) -> None:
    password = service.environment["DASHBOARD_PASSWORD"]
    console.print(
        f"\n[bold]AgênciaOS Jobs[/] {service.url}  ({t('Ctrl-C para tudo', 'Ctrl-C stops everything')})\n"
        f"  {t('painel', 'dashboard')}: {service.url}/  {t('senha', 'password')}: {password}\n"
        f"  TRIGGER_SECRET_KEY={service.key}\n"
        f"  {t('dados', 'data')}: {directory}\n\n"
        f"  curl -sS {service.url}/api/trigger -H 'Authorization: Bearer {service.key}' \\\n"
        f"""    -H 'Content-Type: application/json' -d '{{"type": "monthly-report", "payload": {{}}}}'\n""",
        highlight=False,
        soft_wrap=True,
    )
