"""The commands reports list, show, send and recipients."""

import json
from pathlib import Path

import click
from rich.table import Table

from agenciaos_jobs.cli.common import Change, CommandError, console, formatter, with_runtime
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports.delivery import queue
from agenciaos_jobs.reports.delivery.addresses import recipient_address
from agenciaos_jobs.reports.documents.as_json import monthly_report
from agenciaos_jobs.reports.documents.composed import Composed, compose
from agenciaos_jobs.reports.documents.sections import View
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store import deliveries, monthly_reports
from agenciaos_jobs.reports.store.deliveries import Recipient, RecipientStatus
from agenciaos_jobs.reports.store.monthly_reports import Report
from agenciaos_jobs.wiring import Runtime

NO_REPORT = "this agency has no report of {month}: agenciaos-jobs trigger monthly-report generates it"


class _MonthParameter(click.ParamType[Month]):
    name = "month"

    def convert(self, value: str | Month, param: click.Parameter | None, ctx: click.Context | None) -> Month:
        if isinstance(value, Month):
            return value
        try:
            return Month.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


MONTH = _MonthParameter()


@click.group()
def reports() -> None:
    """Relatórios: lista, um deles, envio, quem recebe / Reports: list, show, send, recipients."""


@reports.command("list")
@click.argument("month", type=MONTH)
def list_reports(month: Month) -> None:
    """Os relatórios de um mês, como 2026-10 / The reports of a month."""

    async def fetch(runtime: Runtime) -> list[Report]:
        return await monthly_reports.of_month(runtime.database, month)

    table, fmt = Table(box=None), formatter()
    for heading in ("Agência", "Id"):
        table.add_column(heading)
    for heading in ("Receitas", "Despesas", "Resultado", "Margem", "Gerado"):
        table.add_column(heading, justify="right", no_wrap=True)
    for report in with_runtime(fetch):
        money = (fmt.reais(value) for value in (report.revenue, report.expenses, report.profit))
        last = (fmt.percent(report.margin), fmt.moment(report.generated_at))
        table.add_row(report.agency_name or "", report.agency_id, *money, *last)
    console().print(table)


@reports.command("show")
@click.argument("agency_id", metavar="AGENCY")
@click.argument("month", type=MONTH)
@click.option("--json", "as_json", is_flag=True, help="Tudo, em JSON / All of it, as JSON.")
@click.option("--pdf", "file", type=click.Path(dir_okay=False, path_type=Path), help="Grava o PDF / Writes the PDF.")
def show(agency_id: str, month: Month, *, as_json: bool, file: Path | None) -> None:
    """O relatório de uma agência / One agency's report."""

    async def fetch(runtime: Runtime) -> Composed | None:
        return await compose(runtime.database, agency_id, month)

    composed = with_runtime(fetch)
    if composed is None:
        raise CommandError(NO_REPORT.format(month=month))
    view = composed.view(formatter())
    if file:
        _write_pdf(view, file)
    elif as_json:
        document = monthly_report(composed.report).model_dump(mode="json", by_alias=True)
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        _print(view)


def _write_pdf(view: View, file: Path) -> None:
    from agenciaos_jobs.reports.documents import pdf  # noqa: PLC0415 - the other commands do without

    file.write_bytes(pdf.render(view))
    click.echo(str(file))


def _print(view: View) -> None:
    click.echo(f"{view['agency']} · {view['month']} {view['partial']}".rstrip())
    click.echo("\n".join(view["sentences"]))
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for card in view["cards"]:
        table.add_row(card["label"], card["value"], card["change"])
    console().print(table)
    click.echo(view["revision"])


@reports.command("send")
@click.argument("month", type=MONTH)
@click.option("--agency", "agency_id", help="Só a desta agência / Only this agency's.")
@click.option("--all", "is_all", is_flag=True, help="A todas as agências / Every agency's.")
def send(month: Month, agency_id: str | None, *, is_all: bool) -> None:
    """Envia os relatórios de um mês, também a quem já recebeu / Sends a month's reports, also to who got them."""
    if bool(agency_id) == is_all:
        raise CommandError("expected either --agency ID or --all")

    async def act(runtime: Runtime) -> int:
        found = await monthly_reports.of_month(runtime.database, month)
        ids = [report.agency_id for report in found if agency_id in {None, report.agency_id}]
        if not ids:
            raise CommandError(NO_REPORT.format(month=month))
        resource: Reports = runtime.resources[Reports]
        if not (resource.mailer or resource.webhook):
            raise CommandError("nothing is delivered: set REPORT_EMAIL=1 or REPORT_WEBHOOK_URL")
        return await queue.request(runtime.database, runtime.intake, resource, month, ids, source="cli")

    sent = with_runtime(act, Change[int]("reports/send", [f"{month}/{agency_id or '*'}"]))
    click.echo(f"{sent} envios na fila / deliveries enqueued")


def _address(text: str) -> str:
    if (email := recipient_address(text)) is None:
        raise CommandError(f"{text!r} is not an e-mail address")
    return email


@reports.command("recipients")
@click.argument("agency_id", metavar="AGENCY")
@click.option("--add", help="Passa a receber / Gets the reports from now on.")
@click.option("--stop", help="Deixa de receber / No longer gets them.")
@click.option("--bounced", help="O endereço devolveu um e-mail / A mail to this address bounced.")
@click.option("--remove", help="Esquece o endereço / Forgets the address.")
def recipients(agency_id: str, add: str | None, stop: str | None, bounced: str | None, remove: str | None) -> None:
    """Quem recebe os relatórios de uma agência / Who gets an agency's reports."""
    given: list[tuple[str | None, RecipientStatus | None]]
    given = [(add, "active"), (stop, "unsubscribed"), (bounced, "bounced"), (remove, None)]
    wanted = [(_address(text), status) for text, status in given if text]

    async def act(runtime: Runtime) -> list[Recipient]:
        if not await agencies.exists(runtime.database, agency_id):
            raise CommandError(f"there is no agency {agency_id!r}")
        for email, status in wanted:
            if status is None:
                await deliveries.remove_recipient(runtime.database, agency_id, email)
            else:
                await deliveries.set_recipient(runtime.database, agency_id, email, status, runtime.clock.now())
        return await deliveries.recipients(runtime.database, agency_id)

    change = Change[list[Recipient]]("reports/recipients", [agency_id]) if wanted else None
    for each in with_runtime(act, change):
        owner = "  dono / owner" if each.is_owner else ""
        click.echo(f"{'✔' if each.status == 'active' else '✘'} {each.email}  {each.status}{owner}")
