"""The command ``agenciaos-jobs``."""

import sys
from gettext import gettext
from importlib import import_module

import click

from agenciaos_jobs.cli.language import localize, localize_click, one_language
from agenciaos_jobs.cli.terminal import adapt_output

_COMMANDS = {
    "demo": ("service", "Mostra os três jobs de ponta a ponta / Shows all three jobs end to end."),
    "dev": ("service", "Sobe tudo e fica no ar até Ctrl-C / Runs everything until Ctrl-C."),
    "serve": ("service", "Inicia o servidor HTTP / Starts the HTTP server."),
    "worker": ("service", "Inicia um worker / Starts a worker."),
    "migrate": ("service", "Atualiza o schema jobs / Brings schema jobs up to date."),
    "trigger": ("trigger", "Inicia um job / Starts a job."),
    "runs": ("runs", "Execuções: lista, detalhes, log, repetir / Runs: list, show, logs, replay."),
    "queues": ("queues", "Filas: lista, pausa, limites / Queues: list, pause, limits."),
    "agents": ("agents", "Descreve os agentes, em Markdown / Describe the agents, in Markdown."),
    "alerts": ("alerts", "Alertas: lista, regras, teste dos canais / Alerts: list, rules, channel test."),
    "payments": (
        "payments",
        "Pagamentos: sem agência, atribuir, histórico, explicação / Payments: unmatched, assign, history, explain.",
    ),
    "users": (
        "users",
        "Usuários do painel: lista, cria, troca a senha, desativa / Dashboard users: list, add, password, disable.",
    ),
    "privacy": ("privacy", "LGPD: exportar, apagar / LGPD: export, erase."),
    "reports": ("reports", "Relatórios: lista, um deles, envio, quem recebe / Reports: list, show, send, recipients."),
    "check": ("check", "Confere configuração, banco, fila e chaves / Checks settings, database, queue and keys."),
    "prune": ("prune", "Apaga execuções antigas, mês a mês / Drops old runs, month by month."),
}
"""The module of each command, and the first line of its help."""


class _LazyGroup(click.Group):
    """Imports a command on first use: none for ``--help``, and for a worker not the server's pages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), cmd_name)
        return localize(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(gettext("Commands")):
            formatter.write_dl([(name, one_language(summary)) for name, (_, summary) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(
    package_name="agenciaos-jobs", message="%(prog)s %(version)s", help="Mostra a versão / Shows the version."
)
def cli() -> None:
    """Jobs em segundo plano da AgênciaOS / AgênciaOS's background jobs.

    Sem servidor instalado, comece por: agenciaos-jobs demo / Without an installed server, begin with: agenciaos-jobs
    demo

    As configurações vêm do ambiente e do arquivo .env; veja .env.example. / Settings come from the environment and the
    file .env; see .env.example.
    """


def main() -> None:
    """Runs the command line. An expected error prints its message, without a traceback."""
    adapt_output()
    localize_click()
    localize(cli)
    try:
        cli(standalone_mode=True)
    except SystemExit:
        raise
    except _reasons() as error:
        from agenciaos_jobs.cli.common import reason  # noqa: PLC0415 - see _reasons

        click.echo(f"agenciaos-jobs: {reason(error)}", err=True)
        sys.exit(1)


def _reasons() -> tuple[type[BaseException], ...]:
    """The expected errors. What defines them takes a second to import, and is imported already where one is raised."""
    from agenciaos_jobs.cli.common import reasons  # noqa: PLC0415

    return reasons()


__all__ = ["cli", "main"]
