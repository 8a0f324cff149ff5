"""What AI costs: a month against the one before, its forecast, by agency, agent and model, and who is near a limit."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from aiohttp import web

from agenciaos_jobs.ai_content.resources import AI_BUDGET, MONTHLY_LIMITS
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages.agencies import NEARLY, MonthlyUse
from agenciaos_jobs.dashboard.pages.costs.opinions import Opinions, opinions
from agenciaos_jobs.dashboard.pages.exports.stream import Column, send
from agenciaos_jobs.dashboard.rendering import render
from agenciaos_jobs.dashboard.spend_chart import spend_chart
from agenciaos_jobs.dashboard.store import costs, runs
from agenciaos_jobs.dashboard.store.costs import CostRow, Days, Filter, NearLimit, Order, Stretch
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.http.keys import CLOCK, LONG_READS
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.reports.resources import REPORTS

PAGE = 50
MAX_PAGES = 1_000
MAX_MONTHS = 36
MAX_NEAR_LIMITS = 25
EXPORTED_AT_ONCE = 5_000
"""Rows of a page of the export: more than of other exports, because each one adds up the two months again."""

GROUPS: Mapping[str, tuple[Text, tuple[str, ...]]] = {
    "agency": (Text("Agência", "Agency"), ("agency",)),
    "agent": (Text("Agente", "Agent"), ("agent",)),
    "model": (Text("Modelo", "Model"), ("model",)),
    "all": (Text("Detalhado", "In detail"), ("agency", "agent", "model")),
}

SORTS = ("name", "generations", "cost", "previous", "change", "forecast")

_NO_MONTH = Text("Este mês não existe", "There is no such month")
_MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True)
class Totals:
    """The costs of a month, and of the one before: up to the same day, and as a whole; in US dollars."""

    generations: int
    unpriced: int
    cost: Decimal
    previous: Decimal
    whole_previous: Decimal
    forecast: Decimal | None

    @property
    def change(self) -> Decimal | None:
        return self.cost / self.previous - 1 if self.previous else None


async def show_costs(request: web.Request) -> web.StreamResponse:
    database, now, query = request.app[LONG_READS], request.app[CLOCK].now(), request.query
    wanted, by, order = read_filter(request), _group(query), _order(query)
    number = _number(query.get("page", ""))
    first = await costs.first_day(database)
    stretch = costs.stretch(wanted.month, first, now)
    days, rows, rated, near, agencies = await asyncio.gather(
        costs.days(database, wanted),
        costs.rows(database, wanted, stretch, GROUPS[by][1], order, limit=PAGE, skip=PAGE * (number - 1)),
        opinions(database, wanted.month, GROUPS[by][1]),
        _near_limits(request, wanted.month),
        runs.agencies(database),
    )
    return render(
        request,
        "costs.html",
        month=wanted.month,
        months=_months(first, Month.of(now), wanted.month),
        present=Month.of(now),
        wanted=wanted,
        is_filtered=any((wanted.agency_id, wanted.agent, wanted.model)),
        by=by,
        groups=GROUPS,
        order=order,
        totals=_totals(days, wanted.month, stretch),
        stretch=stretch,
        rows=rows,
        rated=rated,
        chart=spend_chart(wanted.month, {day.day: day.cost for day in days.days}),
        number=number,
        has_more=bool(rows) and rows[0].count > PAGE * number,
        agents=days.agents,
        models=days.models,
        agencies=agencies,
        near=[(agency, MonthlyUse(agency.used, agency.allowed)) for agency in near],
        rate=request.app[REPORTS].rates.usd_brl,
        budget=request.app[AI_BUDGET],
    )


async def export_costs(request: web.Request) -> web.StreamResponse:
    """The rows by agency, agent and model as the page groups them, in the order of their ids."""
    database, now = request.app[LONG_READS], request.app[CLOCK].now()
    wanted, groups = read_filter(request), GROUPS[_group(request.query)][1]
    stretch = costs.stretch(wanted.month, await costs.first_day(database), now)
    columns = _columns(wanted.month, stretch, groups, request.app[REPORTS].rates.usd_brl)
    if (rated := await opinions(database, wanted.month, groups)) is not None:
        columns += _opinion_columns(rated)
    name = Text(f"custos-{wanted.month}", f"costs-{wanted.month}")
    return await send(request, name, columns, _pages(database, wanted, stretch, groups))


async def _pages(
    database: Database, wanted: Filter, stretch: Stretch, groups: Sequence[str]
) -> AsyncIterator[Sequence[CostRow]]:
    after = None
    while True:
        found = await costs.rows(database, wanted, stretch, groups, None, after=after, limit=EXPORTED_AT_ONCE)
        yield found
        if len(found) < EXPORTED_AT_ONCE:
            return
        after = found[-1].key


def _columns(month: Month, stretch: Stretch, groups: Sequence[str], rate: Decimal | None) -> list[Column[CostRow]]:
    named: dict[str, list[Column[CostRow]]] = {
        "agency": [
            Column("agencyId", Text("Id da agência", "Agency id"), lambda row: row.agency_id),
            Column("agency", Text("Agência", "Agency"), lambda row: row.agency),
        ],
        "agent": [Column("agent", Text("Agente", "Agent"), lambda row: row.agent_type)],
        "model": [Column("model", Text("Modelo", "Model"), lambda row: row.model)],
    }
    in_reais = [Column[CostRow]("costBrl", Text("Custo (R$)", "Cost (R$)"), lambda row: row.cost * (rate or 0))]
    return [
        Column("month", Text("Mês", "Month"), lambda row: str(month)),
        *(column for group in groups for column in named[group]),
        Column("generations", Text("Gerações", "Generations"), lambda row: row.generations),
        Column("unpriced", Text("Sem preço conhecido", "Without a known price"), lambda row: row.unpriced),
        Column("costUsd", Text("Custo (US$)", "Cost (US$)"), lambda row: row.cost),
        *(in_reais if rate else []),
        Column(
            "previousUsd",
            Text("Mês anterior, mesmos dias (US$)", "Previous month, same days (US$)"),
            lambda row: row.previous,
        ),
        Column(
            "forecastUsd",
            Text("Previsão do mês (US$)", "Forecast of the month (US$)"),
            lambda row: _rounded(stretch.forecast(row.cost, row.recent)),
        ),
    ]


def _opinion_columns(rated: Mapping[tuple[str, str], Opinions]) -> list[Column[CostRow]]:
    none = Opinions()
    return [
        Column("good", Text("Boas avaliações", "Good ratings"), lambda row: rated.get(row.content_key, none).good),
        Column("bad", Text("Más avaliações", "Bad ratings"), lambda row: rated.get(row.content_key, none).bad),
    ]


def read_filter(request: web.Request) -> Filter:
    """The filter in the query; without a month, the present one. Raises :class:`RequestError` for no month."""
    query = request.query
    try:
        month = Month.parse(query["month"]) if query.get("month") else Month.of(request.app[CLOCK].now())
    except ValueError:
        raise RequestError(404, _NO_MONTH) from None
    given = {name: query.get(name, "").strip()[:200] or None for name in ("agency", "agent", "model")}
    return Filter(month, agency_id=given["agency"], agent=given["agent"], model=given["model"])


async def _near_limits(request: web.Request, month: Month) -> list[NearLimit]:
    """Of the present month alone: plans of the past are not known."""
    if month != Month.of(request.app[CLOCK].now()):
        return []
    limits, share = request.app[MONTHLY_LIMITS], Decimal(str(NEARLY))
    return await costs.near_limits(request.app[LONG_READS], month, limits, share=share, limit=MAX_NEAR_LIMITS)


def _group(query: Mapping[str, str]) -> str:
    return query["by"] if query.get("by") in GROUPS else "agency"


def _order(query: Mapping[str, str]) -> Order:
    by = query["sort"] if query.get("sort") in SORTS else "cost"
    return Order(by, query.get("order", "asc" if by == "name" else "desc") == "asc")


def _number(text: str) -> int:
    """The number of a page, from 1 on."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 6
    return min(max(1, int(text)), MAX_PAGES) if is_number else 1


def _months(first: date | None, present: Month, chosen: Month) -> list[Month]:
    """The months to choose from, newest first: those since the first generation."""
    oldest = Month(first.year, first.month) if first else present
    known = [month for month in map(present.back, range(MAX_MONTHS)) if month >= oldest]
    return sorted({*known, chosen}, reverse=True)


def _totals(days: Days, month: Month, stretch: Stretch) -> Totals:
    own = [day for day in days.days if day.day >= month.first_day]
    cost = sum((day.cost for day in own), Decimal())
    return Totals(
        generations=sum(day.generations for day in own),
        unpriced=sum(day.unpriced for day in own),
        cost=cost,
        previous=days.cost(month.previous.first_day, stretch.compared_until),
        whole_previous=days.cost(month.previous.first_day, month.first_day),
        forecast=stretch.forecast(cost, days.cost(stretch.recent_from, stretch.today)),
    )


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_MILLIONTH)


PAGES = [Page("GET", "/costs", show_costs), Page("GET", "/costs.{kind:csv|json}", export_costs)]
