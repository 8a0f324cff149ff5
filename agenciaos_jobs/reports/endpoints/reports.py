"""Reports over HTTP: a list, and each as JSON, PDF, XLSX and CSV."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from aiohttp import web

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.http.body import answer
from agenciaos_jobs.http.fields import read_size
from agenciaos_jobs.http.keys import CLOCK, LONG_READS
from agenciaos_jobs.http.language import accepted_language
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import RequestError, wrong_field
from agenciaos_jobs.http.scopes import reads
from agenciaos_jobs.reports.documents.as_json import MonthlyReport, ReportPage, monthly_report
from agenciaos_jobs.reports.documents.composed import Composed, compose
from agenciaos_jobs.reports.documents.csv_sheet import as_sheet
from agenciaos_jobs.reports.documents.pdf import pdf
from agenciaos_jobs.reports.documents.xlsx import xlsx
from agenciaos_jobs.reports.store import monthly_reports, revisions

SIZE, MAX_SIZE = 25, 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

NO_REPORT = Text("Esta agência não tem relatório deste mês", "This agency has no report of this month")


async def list_reports(request: web.Request) -> web.Response:
    """Reports of a month, of an agency or of all, the newest month first."""
    month, size, agency_id = _month(request), read_size(request, "limit", SIZE, MAX_SIZE), request.query.get("agencyId")
    found = await revisions.page(
        request.app[LONG_READS], month, agency_id or None, after=_position(request), limit=size + 1
    )
    more = f"{found[size - 1].month}:{found[size - 1].agency_id}" if len(found) > size else None
    return answer(ReportPage(data=[monthly_report(report) for report in found[:size]], next=more))


async def report_json(request: web.Request) -> web.Response:
    composed = await _composed(request)
    if unchanged := _unchanged(request, composed.etag()):
        return unchanged
    return answer(monthly_report(composed.report), headers=_headers(composed.etag()))


async def report_pdf(request: web.Request) -> web.Response:
    composed, fmt = await _composed(request), _formatter(request)
    etag = composed.etag("pdf", fmt.language)
    if unchanged := _unchanged(request, etag):
        return unchanged
    return file(await pdf(composed.view(fmt)), composed.file_name("pdf"), "application/pdf", etag)


async def report_xlsx(request: web.Request) -> web.Response:
    composed, fmt = await _composed(request), _formatter(request)
    etag = composed.etag("xlsx", fmt.language)
    if unchanged := _unchanged(request, etag):
        return unchanged
    body = await asyncio.to_thread(xlsx, composed.report, fmt)
    return file(body, composed.file_name("xlsx"), XLSX, etag)


async def report_csv(request: web.Request) -> web.Response:
    composed, fmt = await _composed(request), _formatter(request)
    etag = composed.etag("csv", fmt.language)
    if unchanged := _unchanged(request, etag):
        return unchanged
    report = composed.report
    rows = await monthly_reports.of_agency(request.app[LONG_READS], report.agency_id, report.month)
    return file(as_sheet(rows, fmt), composed.file_name("csv"), "text/csv; charset=utf-8", etag)


def file(body: bytes, name: str, content_type: str, etag: str) -> web.Response:
    """A document as a download that browsers may also show."""
    headers = {**_headers(etag), "Content-Type": content_type, "Content-Disposition": f'inline; filename="{name}"'}
    return web.Response(body=body, headers={**headers, "X-Content-Type-Options": "nosniff"})


async def _composed(request: web.Request) -> Composed:
    try:
        month = Month.parse(request.match_info["month"])
    except ValueError:
        raise RequestError(404, NO_REPORT) from None
    composed = await compose(request.app[LONG_READS], request.match_info["agencyId"], month)
    if composed is None:
        raise RequestError(404, NO_REPORT)
    return composed


def _formatter(request: web.Request) -> Formatter:
    return Formatter(accepted_language(request), request.app[CLOCK].now())


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Language, Authorization"}


def _unchanged(request: web.Request, etag: str) -> web.Response | None:
    """304 for a client that has this revision."""
    given = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    return web.Response(status=304, headers=_headers(etag)) if etag in given or "*" in given else None


def _month(request: web.Request) -> Month | None:
    text = request.query.get("month", "")
    try:
        return Month.parse(text) if text else None
    except ValueError:
        raise wrong_field("month", "month", "expected a month such as 2026-10") from None


def _position(request: web.Request) -> tuple[Month, str] | None:
    month, _, agency_id = request.query.get("after", "").partition(":")
    try:
        return (Month.parse(month), agency_id) if month else None
    except ValueError:
        raise wrong_field("after", "cursor", "should be the next of the page before") from None


async def _resources(request: web.Request) -> Collection[str]:
    """The agency whose reports are read, or all reports."""
    agency_id = request.match_info.get("agencyId") or request.query.get("agencyId")
    return {f"reports:{agency_id}" if agency_id else "reports"}


_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_MONTH: Mapping[str, Any] = {"type": "string", "description": "such as 2026-10"}
_REPORT = "/api/reports/{agencyId}/{month}"
_KEYS: Mapping[str, Any] = {
    "parameters": {"agencyId": _TEXT, "month": _MONTH},
    "problems": (404, 503),
    "token_access": reads(_resources),
}

OPERATIONS = [
    Operation(
        "GET",
        "/api/reports",
        list_reports,
        Text("Relatórios mensais, do mês mais novo ao mais antigo", "Monthly reports, the newest month first"),
        {200: ReportPage},
        query={
            "month": _MONTH,
            "agencyId": _TEXT,
            "limit": {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": SIZE},
            "after": {"type": "string", "description": "next of the page before"},
        },
        problems=(422, 503),
        token_access=reads(_resources),
    ),
    Operation(
        "GET",
        f"{_REPORT}.pdf",
        report_pdf,
        Text("O relatório em PDF", "The report as PDF"),
        {200: "application/pdf", 304: "application/pdf"},
        **_KEYS,
    ),
    Operation(
        "GET",
        f"{_REPORT}.xlsx",
        report_xlsx,
        Text("O relatório como planilha", "The report as a workbook"),
        {200: XLSX, 304: XLSX},
        **_KEYS,
    ),
    Operation(
        "GET",
        f"{_REPORT}.csv",
        report_csv,
        Text("O relatório em CSV", "The report as CSV"),
        {200: "text/csv", 304: "text/csv"},
        **_KEYS,
    ),
    Operation(
        "GET",
        _REPORT,
        report_json,
        Text("O relatório de uma agência em um mês", "One agency's report of a month"),
        {200: MonthlyReport, 304: "application/json"},
        **_KEYS,
    ),
]
