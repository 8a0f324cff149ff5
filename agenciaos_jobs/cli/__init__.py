"""The command ``agenciaos-jobs``."""

import sys
from importlib import import_module

import click

from agenciaos_jobs.cli.common import reason, reasons
from agenciaos_jobs.cli.terminal import adapt_output

_COMMANDS = {
    "demo": "service",
    "dev": "service",
    "serve": "service",
    "worker": "service",
    "migrate": "service",
    "trigger": "runs",
    "runs": "runs",
    "queues": "queues",
    "agents": "agents",
    "alerts": "alerts",
    "payments": "payments",
    "privacy": "privacy",
    "reports": "reports",
    "check": "check",
    "prune": "prune",
}
"""The module of each command."""


class _LazyGroup(click.Group):
    """Imports a command on first use, so that a worker does not load the server's pages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{_COMMANDS[cmd_name]}"), cmd_name)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="agenciaos-jobs")
def cli() -> None:
    """Jobs em segundo plano da AgênciaOS / AgênciaOS's background jobs.

    Sem servidor instalado, comece por: agenciaos-jobs demo

    As configurações vêm do ambiente e do arquivo .env; veja .env.example.
    """


def main() -> None:
    """Runs the command line. An expected error prints its message, without a traceback."""
    adapt_output()
    try:
        cli(standalone_mode=True)
    except reasons() as error:
        click.echo(f"agenciaos-jobs: {reason(error)}", err=True)
        sys.exit(1)


__all__ = ["cli", "main"]
