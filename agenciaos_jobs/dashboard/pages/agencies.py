"""Agencies: plan and payment history, AI use of the month, and reports."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from agenciaos_jobs.ai_content.jobs import generate_ai_content
from agenciaos_jobs.ai_content.resources import MONTHLY_LIMITS
from agenciaos_jobs.dashboard.charts import Bars, Step, stacked
from agenciaos_jobs.dashboard.labels import ACTIONS
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages.runs import url_between
from agenciaos_jobs.dashboard.rendering import formatter, render
from agenciaos_jobs.dashboard.store import agencies, payments, reports
from agenciaos_jobs.dashboard.store.agencies import Agency, AgencyRow, AiMonth
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.http.keys import CLOCK, DATABASE, LONG_READS
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.payments.effects import current_terms
from agenciaos_jobs.payments.explanation import Explanation, explain
from agenciaos_jobs.payments.resources import PAYMENTS
from agenciaos_jobs.payments.store import purchases
from agenciaos_jobs.payments.words import sentence

PAGE = 50
MONTHS_SHOWN = 12
MAX_EVENTS = 30
NEARLY = 0.8

_UNKNOWN = Text("Agência não encontrada", "Agency not found")


@dataclass(frozen=True)
class MonthlyUse:
    """Generations used of the monthly limit; ``limit`` is ``None`` for a plan without one."""

    used: int
    limit: int | None

    @property
    def share(self) -> float:
        """The used share of the limit, at most 1."""
        if self.limit is None:
            return 0
        return min(1.0, self.used / self.limit) if self.limit else 1.0

    @property
    def tone(self) -> str:
        """The colour of the meter."""
        return "" if self.share < NEARLY else "bad" if self.share >= 1 else "near"


async def show_agencies(request: web.Request) -> web.StreamResponse:
    database, query = request.app[LONG_READS], request.query
    month, limits = Month.of(request.app[CLOCK].now()), request.app[MONTHLY_LIMITS]
    plans = await agencies.plans(database)
    after = query.get("after", "").partition("\n")
    found = await agencies.page(
        database,
        month,
        text=query.get("q", "").strip()[:200] or None,
        plan=query.get("plan") if query.get("plan") in plans else None,
        after=(after[0], after[2]) if after[1] else None,
        limit=PAGE + 1,
    )
    rows: Sequence[AgencyRow] = found[:PAGE]
    return render(
        request,
        "agencies.html",
        rows=[(row, MonthlyUse(row.used, limits.get(row.plan))) for row in rows],
        older="\n".join(rows[-1].place) if len(found) > PAGE else None,
        is_first_page="after" not in query,
        is_filtered=bool(query.get("q") or query.get("plan")),
        plans=plans,
        month=month.first_day,
    )


async def show_agency(request: web.Request) -> web.StreamResponse:
    database, agency, fmt = request.app[LONG_READS], await _agency(request), formatter(request)
    month = Month.of(request.app[CLOCK].now())
    first = month.back(MONTHS_SHOWN - 1)
    months = await agencies.months(database, agency.id, first)
    limit = request.app[MONTHLY_LIMITS].get(agency.plan)
    explanation = await _explanation(request, agency.id, fmt)
    events = await payments.page(database, agency_id=agency.id, limit=MAX_EVENTS)
    return render(
        request,
        "agency.html",
        agency=agency,
        month=month.first_day,
        quota=MonthlyUse(await agencies.used(database, agency.id, month), limit),
        present=next((item for item in months if item.month == month.first_day), None),
        chart=_chart(agency.id, months, first, fmt),
        has_generations=bool(months),
        agents=await agencies.agents(database, agency.id, month),
        subscription=await agencies.subscription(database, agency.id),
        explanation=explanation,
        events=[(row.record, sentence(row.record, fmt)) for row in events],
        actions=ACTIONS,
        most_events=MAX_EVENTS,
        reports=(await reports.of_agency(database, agency.id, first.previous, month))[::-1],
    )


async def _explanation(request: web.Request, agency_id: str, fmt: Formatter) -> Explanation:
    async with request.app[DATABASE].connection() as connection:
        account = await purchases.account(connection, agency_id)
        terms = await current_terms(connection, request.app[PAYMENTS])
    if account is None:  # it was deleted meanwhile
        raise RequestError(404, _UNKNOWN)
    return explain(account, request.app[CLOCK].now(), terms, fmt)


async def _agency(request: web.Request) -> Agency:
    agency_id = request.match_info["agency_id"]
    agency = await agencies.one(request.app[DATABASE], agency_id)
    if agency is None:
        raise RequestError(404, _UNKNOWN)
    return agency


def _chart(agency_id: str, months: Sequence[AiMonth], first: Month, fmt: Formatter) -> Bars:
    """A bar per month; each links to its runs."""
    known, steps, month = {item.month: item for item in months}, [], first
    for _ in range(MONTHS_SHOWN):
        item = known.get(month.first_day)
        href = url_between(*month.bounds, agency=agency_id, task=generate_ai_content.JOB.task)
        values = {"good": item.completed, "bad": item.failed} if item else {}
        steps.append(Step(fmt.month(month.first_day), values, href, fmt.short_month(month.first_day)))
        month = month.next
    return stacked(steps, ("good", "bad"), height=150)


PAGES = [Page("GET", "/agencies", show_agencies), Page("GET", "/agencies/{agency_id}", show_agency)]
