"""One report's documents, revisions, recipients and deliveries, and the actions on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiohttp import web

from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.rendering import HEADERS, formatter
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.http.keys import CLOCK, DATABASE, INTAKE, LONG_READS
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.reports.delivery import mail, queue
from agenciaos_jobs.reports.delivery.addresses import recipient_address
from agenciaos_jobs.reports.documents.composed import compose
from agenciaos_jobs.reports.documents.view import covered
from agenciaos_jobs.reports.endpoints.reports import NO_REPORT, report_csv, report_pdf, report_xlsx
from agenciaos_jobs.reports.jobs.generate_monthly_reports import JOB as GENERATE
from agenciaos_jobs.reports.resources import REPORTS
from agenciaos_jobs.reports.store import deliveries, revisions
from agenciaos_jobs.reports.store.deliveries import Delivered, Recipient
from agenciaos_jobs.reports.store.revisions import Change, Revision

_NO_ADDRESS = Text("Este endereço de e-mail não é válido", "This e-mail address is not valid")

CHANGED: Mapping[str, Text] = {
    "revenue": Text("Receitas", "Revenue"),
    "expenses": Text("Despesas", "Expenses"),
    "previous_revenue": Text("Receitas do mês anterior", "Previous revenue"),
    "previous_expenses": Text("Despesas do mês anterior", "Previous expenses"),
    "recurring": Text("Recorrente lançada", "Recurring, entered"),
    "contracted": Text("Recorrente contratada", "Recurring, contracted"),
}
_OTHERS = Text("Detalhes", "Details")


@dataclass(frozen=True)
class Details:
    """What the page shows beside the figures. ``partial`` names the last day of a partial report."""

    report: Revision
    partial: str
    revisions: list[tuple[Change, list[str]]]
    recipients: list[Recipient]
    deliveries: list[Delivered]
    sends_mail: bool
    sends: bool


async def details_of(request: web.Request, agency_id: str, month: Month) -> Details | None:
    """``None`` for a report that an earlier release generated, before there were revisions."""
    database, reports, fmt = request.app[LONG_READS], request.app[REPORTS], formatter(request)
    report = await revisions.current(database, agency_id, month)
    if report is None:
        return None
    known = await revisions.changes(database, agency_id, month)
    return Details(
        report=report,
        partial=covered(report, fmt),
        revisions=[(each, changed_in_words(each.changes, fmt)) for each in known],
        recipients=await deliveries.recipients(database, agency_id),
        deliveries=await deliveries.of_report(database, agency_id, month),
        sends_mail=reports.mailer is not None,
        sends=bool(reports.mailer or reports.webhook),
    )


def changed_in_words(changes: Mapping[str, Any] | None, fmt: Formatter) -> list[str]:
    """What a revision changed: ``Receitas: R$ 300,05 → R$ 1.000,05``."""
    known = changes or {}
    words = [
        f"{fmt.of(name)}: {fmt.reais(Decimal(known[key][0]))} → {fmt.reais(Decimal(known[key][1]))}"
        for key, name in CHANGED.items()
        if key in known
    ]
    return words or ([fmt.of(_OTHERS)] if known else [])


async def preview_mail(request: web.Request) -> web.StreamResponse:
    """The mail as it would be sent. Its styles are inline, as mail programs want them."""
    agency_id, month = _report(request)
    composed = await compose(request.app[LONG_READS], agency_id, month)
    if composed is None:
        raise RequestError(404, NO_REPORT)
    page = mail.html(composed.view(Formatter("pt", request.app[CLOCK].now())), "#")
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    return web.Response(text=page, content_type="text/html", headers={**HEADERS, "Content-Security-Policy": policy})


async def generate_again(request: web.Request) -> web.StreamResponse:
    agency_id, month = _report(request)
    payload = {"month": str(month), "agencyId": agency_id}
    accepted = await request.app[INTAKE].trigger(new_run(GENERATE, payload, source="dashboard"))
    return redirect(f"/runs/{accepted.run_id}")


async def send_again(request: web.Request) -> web.StreamResponse:
    """Sends one report, also to those who got it."""
    agency_id, month = _report(request)
    app = request.app
    await queue.request(app[DATABASE], app[INTAKE], app[REPORTS], month, [agency_id], source="dashboard")
    return redirect(f"/reports/{month}/{agency_id}?done=sent")


async def set_recipient(request: web.Request) -> web.StreamResponse:
    """Adds an address, or stops sending to it."""
    agency_id, month = _report(request)
    given = await form(request)
    email = recipient_address(given.get("email", ""))
    if email is None:
        raise RequestError(422, _NO_ADDRESS)
    status: deliveries.RecipientStatus = "unsubscribed" if given.get("action") == "stop" else "active"
    await deliveries.set_recipient(request.app[DATABASE], agency_id, email, status, request.app[CLOCK].now())
    return redirect(f"/reports/{month}/{agency_id}?done=recipient")


def _report(request: web.Request) -> tuple[str, Month]:
    try:
        return request.match_info["agencyId"], Month.parse(request.match_info["month"])
    except ValueError:
        raise RequestError(404, NO_REPORT) from None


_PATH = r"/reports/{month:\d\d\d\d-\d\d}/{agencyId}"

PAGES = [
    Page("GET", f"{_PATH}/relatorio.pdf", report_pdf),
    Page("GET", f"{_PATH}/relatorio.xlsx", report_xlsx),
    Page("GET", f"{_PATH}/relatorio.csv", report_csv),
    Page("GET", f"{_PATH}/mail", preview_mail),
    Page("POST", f"{_PATH}/generate", generate_again),
    Page("POST", f"{_PATH}/send", send_again),
    Page("POST", f"{_PATH}/recipients", set_recipient),
]
