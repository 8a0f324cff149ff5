"""Monthly financial reports: those of all agencies, and one agency's among its last months."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import dropwhile

from aiohttp import web

from agenciaos_jobs.dashboard.money_chart import money_chart
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages.report_delivery import details_of
from agenciaos_jobs.dashboard.rendering import HEADERS, formatter, render
from agenciaos_jobs.dashboard.store import agencies
from agenciaos_jobs.dashboard.store import reports as dashboard_reports
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.http.keys import CLOCK, LONG_READS
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.reports.documents.csv_sheet import as_sheet
from agenciaos_jobs.reports.numbers.figures import MonthSum, growth, share
from agenciaos_jobs.reports.store import monthly_reports
from agenciaos_jobs.reports.store.monthly_reports import Report

PAGE = 100
PREVIOUS = 12

_UNKNOWN = Text("Agência não encontrada", "Agency not found")
_NO_MONTH = Text("Este mês não existe", "There is no such month")


@dataclass(frozen=True)
class MonthRow:
    """A month of the table, from the bookkeeping; ``has_report`` where it has a report of its own."""

    month: date
    revenue: Decimal
    expenses: Decimal
    revenue_change: Decimal | None
    expenses_change: Decimal | None
    has_report: bool

    @property
    def profit(self) -> Decimal:
        return self.revenue - self.expenses

    @property
    def margin(self) -> Decimal | None:
        return share(self.profit, self.revenue)


async def show_reports(request: web.Request) -> web.StreamResponse:
    """``?month=2026-10``; without it, the newest month that has reports."""
    database, query = request.app[LONG_READS], request.query
    known = await dashboard_reports.months(database)
    newest = known[0] if known else Month.of(request.app[CLOCK].now()).previous
    month = _month(query["month"]) if query.get("month") else newest
    found = await dashboard_reports.page(database, month, after=_place(query.get("after", "")), limit=PAGE + 1)
    return render(
        request,
        "reports.html",
        month=month,
        months=sorted({*known, month}, reverse=True),
        newest=newest,
        totals=await dashboard_reports.totals(database, month),
        reports=found[:PAGE],
        older=_written(found[PAGE - 1]) if len(found) > PAGE else None,
        is_first_page="after" not in query,
    )


async def show_report(request: web.Request) -> web.StreamResponse:
    """An agency's month, and the twelve before it as the bookkeeping had them when the report was generated."""
    database, agency_id = request.app[LONG_READS], request.match_info["agency_id"]
    month = _month(request.match_info["month"])
    found = await dashboard_reports.of_agency(database, agency_id, month.back(PREVIOUS), month)
    agency = await agencies.one(database, agency_id)
    if not found and agency is None:
        raise RequestError(404, _UNKNOWN)
    report = found[-1] if found and found[-1].month == month.first_day else None
    details = await details_of(request, agency_id, month) if report else None
    sums = details.report.figures.months if details else found
    rows = _rows(sums, {item.month for item in found})
    return render(
        request,
        "report.html",
        agency_id=agency_id,
        name=agency.name if agency else found[-1].agency_name or agency_id,
        is_deleted=agency is None,
        month=month,
        details=details,
        report=report,
        chart=money_chart([month.back(number).first_day for number in range(PREVIOUS, -1, -1)], sums),
        history=rows[::-1],
        usual=_usual([row for row in rows if row.month < month.first_day]),
    )


async def download(request: web.Request) -> web.StreamResponse:
    month = _month(request.match_info["month"])
    found = await monthly_reports.of_month(request.app[LONG_READS], month)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="relatorios-{month}.csv"'}
    return web.Response(
        body=as_sheet(found, formatter(request)), content_type="text/csv", charset="utf-8", headers=headers
    )


def _rows(sums: Sequence[Report | MonthSum], reported: Collection[date]) -> list[MonthRow]:
    """The months in order, from the first one with an entry on, each compared with the one before it."""
    rows: list[MonthRow] = []
    for each in dropwhile(lambda each: not (each.revenue or each.expenses), sums):
        before = rows[-1] if rows and _follows(each.month, rows[-1].month) else None
        revenue_change = growth(each.revenue, before.revenue) if before else None
        expenses_change = growth(each.expenses, before.expenses) if before else None
        has_report = each.month in reported
        rows.append(MonthRow(each.month, each.revenue, each.expenses, revenue_change, expenses_change, has_report))
    return rows


def _follows(month: date, other: date) -> bool:
    return Month(other.year, other.month).next.first_day == month


def _usual(earlier: Sequence[MonthRow]) -> dict[str, Decimal] | None:
    """The mean of the earlier months."""
    if not earlier:
        return None
    return {
        name: sum((getattr(item, name) for item in earlier), Decimal()) / len(earlier)
        for name in ("revenue", "expenses", "profit")
    }


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError:
        raise RequestError(404, _NO_MONTH) from None


def _written(report: Report) -> str:
    return f"{report.revenue} {report.agency_id}"


def _place(text: str) -> tuple[Decimal, str] | None:
    """The cursor that :func:`_written` encoded; ``None``, the first page, for any other text."""
    revenue, _, agency_id = text.partition(" ")
    try:
        value = Decimal(revenue)
    except InvalidOperation:
        return None
    return (value, agency_id) if value.is_finite() and abs(value.adjusted()) < 100 else None


PAGES = [
    Page("GET", "/reports", show_reports),
    Page("GET", r"/reports/{month:\d\d\d\d-\d\d}.csv", download),
    Page("GET", r"/reports/{month:\d\d\d\d-\d\d}/{agency_id}", show_report),
]
