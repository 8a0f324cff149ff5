"""The commands privacy export and privacy erase, for requests under the LGPD."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO, TypeVar

import click
from rich.table import Table

from agenciaos_jobs.cli.common import CommandError, console, with_runtime
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.privacy import Privacy, Subject
from agenciaos_jobs.wiring import Runtime

F = TypeVar("F", bound=Callable[..., None])


@click.group()
def privacy() -> None:
    """LGPD: exportar, apagar / LGPD: export, erase.

    Guia: docs/privacy.md. Cada pedido fica registrado, com quem pediu e quando. / Guide: docs/privacy.md. Every request
    is recorded, with who asked and when.
    """


def _of_subject(command: F) -> F:
    """The options for the subject and the requester."""
    for option in (
        click.option("--requested-by", required=True, metavar="TEXT", help="Quem pediu / The requester."),
        click.option("--email", metavar="ADDRESS", help="De uma pessoa / Of a person."),
        click.option("--agency", metavar="ID", help="De uma agência / Of an agency."),
    ):
        command = option(command)
    return command


@privacy.command()
@_of_subject
@click.option(
    "--output", default="-", metavar="FILE", help="O arquivo novo; sem ele, a saída / The new file, or else stdout."
)
def export(agency: str | None, email: str | None, requested_by: str, output: str) -> None:
    """Exporta tudo o que há, em JSON / Exports everything that is held, as JSON."""
    subject, name = _subject(agency, email), _requester(requested_by)
    with _opened(output) as file:

        async def act(runtime: Runtime) -> Mapping[str, int]:
            return await Privacy(runtime.database, runtime.clock).export(subject, name, file.write, _progress)

        held = with_runtime(act)
    click.echo(f"{sum(held.values())} {t('linhas', 'rows')}", err=True)


@privacy.command()
@_of_subject
@click.option("--dry-run", is_flag=True, help="Só conta, tabela a tabela / Only counts, table by table.")
@click.option("--yes", is_flag=True, help="Sem confirmação / No confirmation.")
def erase(agency: str | None, email: str | None, requested_by: str, *, dry_run: bool, yes: bool) -> None:
    """Apaga dados pessoais; não há volta / Erases personal data, for good.

    Dos pagamentos ficam valores, datas, situações e ids. Com execuções em andamento, recusa. / Of payments the amounts,
    dates, statuses and ids are kept. Refuses while runs are open.
    """
    subject, name = _subject(agency, email), _requester(requested_by)
    if dry_run or not yes:
        console().print(_table(_erased(subject, name, is_trial=True)))
    if dry_run:
        return
    if not yes:
        click.confirm(t("Apagar para sempre?", "Erase for good?"), abort=True)
    console().print(_table(_erased(subject, name, is_trial=False)))


def _erased(subject: Subject, name: str, *, is_trial: bool) -> Mapping[str, int]:
    async def act(runtime: Runtime) -> Mapping[str, int]:
        return await Privacy(runtime.database, runtime.clock).erase(subject, name, _progress, is_trial=is_trial)

    return with_runtime(act)


def _subject(agency: str | None, email: str | None) -> Subject:
    given = [(kind, name.strip()) for kind, name in (("agency", agency), ("email", email)) if name and name.strip()]
    if len(given) != 1:
        raise CommandError(t("informe --agency ou --email", "give either --agency or --email"))
    if email is None:
        return Subject("agency", given[0][1])
    if "@" not in email:
        raise CommandError(t(f"--email: {email!r} não é um endereço", f"--email: {email!r} is not an address"))
    return Subject("email", given[0][1].lower())


def _requester(requested_by: str) -> str:
    if not requested_by.strip():
        raise CommandError(t("--requested-by: informe quem pediu", "--requested-by: give the requester's name"))
    return requested_by.strip()


def _opened(output: str) -> AbstractContextManager[TextIO]:
    """A new file that only its owner can read, or standard output."""
    if output == "-":
        return nullcontext(sys.stdout)
    return os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")


def _progress(table: str, rows: int) -> None:
    if rows:
        click.echo(f"… {table}: {rows}", err=True)


def _table(held: Mapping[str, int]) -> Table:
    table = Table(t("tabela", "table"), t("linhas", "rows"), box=None)
    for name, rows in held.items():
        table.add_row(name, str(rows))
    return table
