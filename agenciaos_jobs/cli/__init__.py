"""The command ``agenciaos-jobs``."""

import sys

import click

from agenciaos_jobs.cli import alerts, check, payments, prune, runs, service
from agenciaos_jobs.cli.common import reasons


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="agenciaos-jobs")
def cli() -> None:
    """Jobs em segundo plano da AgênciaOS / AgênciaOS's background jobs.

    Sem servidor instalado, comece por: agenciaos-jobs demo

    As configurações vêm do ambiente e do arquivo .env; veja .env.example.
    """


for command in (
    service.demo,
    service.dev,
    service.serve,
    service.worker,
    service.migrate,
    runs.trigger,
    runs.runs,
    alerts.alerts,
    payments.payments,
    check.check,
    prune.prune,
):
    cli.add_command(command)


def main() -> None:
    """Runs the command line; what goes wrong for a known reason is told in words, not as a traceback."""
    try:
        cli(standalone_mode=True)
    except reasons() as error:
        click.echo(f"agenciaos-jobs: {error}", err=True)
        sys.exit(1)


__all__ = ["cli", "main"]
