"""The overview: success, queue, cost, and the latest failures."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web

from agenciaos_jobs.ai_content.store import spend
from agenciaos_jobs.ai_content.store.spend import Bill, Spend
from agenciaos_jobs.dashboard.charts import Bars, Step, stacked
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages.runs import url_between
from agenciaos_jobs.dashboard.rendering import formatter, render
from agenciaos_jobs.engine.store import errors, history, run_hours, workers
from agenciaos_jobs.engine.store.run_hours import HOUR, Outcomes, Times, hour_of
from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.http.keys import CLOCK, LONG_READS

TONES = ("good", "bad", "off", "open")
PERIODS: Mapping[str, timedelta] = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
DAILY = {"30d"}
MAX_SPENDERS = 8
MAX_ERRORS = 6


@dataclass(frozen=True)
class TaskFigures:
    """A task's results in the period; times are in seconds."""

    task: str
    counts: Mapping[str, int]
    success: float | None
    wait: tuple[float | None, float | None]
    duration: tuple[float | None, float | None]


@dataclass(frozen=True)
class Spender:
    """An agency's AI spend of the month: in total, and by model."""

    agency_id: str
    name: str
    generations: int
    cost: Decimal
    models: Mapping[str, Decimal]
    share: float


@dataclass(frozen=True)
class MonthSpend:
    """AI spend of the month in US dollars; ``unpriced`` counts generations without a known price."""

    cost: Decimal
    generations: int
    unpriced: int
    spenders: list[Spender]
    others: int
    models: list[tuple[str, Decimal]] = field(default_factory=list)


async def show_overview(request: web.Request) -> web.StreamResponse:
    now, database = request.app[CLOCK].now(), request.app[LONG_READS]
    period = request.query["period"] if request.query.get("period") in PERIODS else "24h"
    since = _since(period, now)
    found, times, present = await asyncio.gather(
        run_hours.outcomes(database, since, now), run_hours.times(database, since, now), _present(database, now)
    )
    totals = Counter[str]()
    for counts in found.by_task.values():
        totals.update(counts)
    return render(
        request,
        "overview.html",
        period=period,
        chart=_chart(found, since, now, formatter(request), is_daily=period in DAILY),
        totals=totals,
        success=_success(totals),
        tasks=_figures(found, times),
        now=now,
        **present,
    )


async def _present(database: Database, now: datetime) -> dict[str, Any]:
    """The current figures, which do not depend on the period."""
    month = Month.of(now).first_day
    waiting, executing, alive, bill, failures = await asyncio.gather(
        history.queue_depth(database, now),
        run_hours.executing(database),
        workers.alive(database, now),
        spend.bill(database, month, now, MAX_SPENDERS),
        errors.trends(database, until=now, step=HOUR, steps=24, limit=MAX_ERRORS),
    )
    return {
        "depth": sum(depth.depth for depth in waiting),
        "oldest": min((depth.oldest_due_at for depth in waiting), default=None),
        "executing": executing,
        "workers": alive,
        "month": month,
        "spend": month_spend(bill),
        "errors": failures,
    }


def _since(period: str, now: datetime) -> datetime:
    if period in DAILY:
        return _midnight(now - PERIODS[period] + timedelta(days=1))
    return hour_of(now - PERIODS[period]) + HOUR


def _chart(found: Outcomes, since: datetime, now: datetime, fmt: Formatter, *, is_daily: bool) -> Bars:
    columns: dict[datetime, Counter[str]] = defaultdict(Counter)
    for start in _starts(since, now, is_daily=is_daily):
        columns[start] = Counter()
    for hour, counts in found.by_hour.items():
        columns[_midnight(hour) if is_daily else hour].update(counts)
    steps, starts = [], sorted(columns)
    for number, start in enumerate(starts):
        end = start + (timedelta(days=1) if is_daily else HOUR)
        label, tick = _label(start, fmt, number, len(starts), is_daily=is_daily)
        steps.append(Step(label, columns[start], url_between(start, end), tick))
    return stacked(steps, TONES)


def _starts(since: datetime, now: datetime, *, is_daily: bool) -> Iterable[datetime]:
    start = since
    while start <= now:
        yield start
        start = _midnight(start + timedelta(hours=36)) if is_daily else start + HOUR


def _label(start: datetime, fmt: Formatter, number: int, count: int, *, is_daily: bool) -> tuple[str, str | None]:
    """A bar's label, and its tick on the axis."""
    local = start.astimezone(SAO_PAULO)
    day = fmt.day(local.date())
    if is_daily:
        return day, day if number % 5 == count % 5 else None
    hour = fmt.full_hour(start)
    if count > 48:
        return f"{day}, {hour}", day if local.hour == 0 else None
    return f"{day}, {hour}", hour if local.hour % 4 == 0 else None


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(SAO_PAULO).replace(hour=0, minute=0, second=0, microsecond=0)


def _figures(found: Outcomes, times: Mapping[str, Times]) -> list[TaskFigures]:
    figures = []
    for task, counts in sorted(found.by_task.items(), key=lambda item: (-sum(item[1].values()), item[0])):
        known = times.get(task, Times())
        wait = (known.wait.quantile(0.5), known.wait.quantile(0.95))
        duration = (known.duration.quantile(0.5), known.duration.quantile(0.95))
        figures.append(TaskFigures(task, counts, _success(counts), wait, duration))
    return figures


def _success(counts: Mapping[str, int]) -> float | None:
    """The share of successes among ended runs, canceled ones aside."""
    ended = counts.get("good", 0) + counts.get("bad", 0)
    return counts.get("good", 0) / ended if ended else None


def month_spend(bill: Bill) -> MonthSpend:
    """The month's bill: the agencies with the highest spend, and every model."""
    by_agency: dict[str, list[Spend]] = defaultdict(list)
    for row in bill.by_agency:
        by_agency[row.agency_id or ""].append(row)
    by_cost = sorted(by_agency.items(), key=lambda item: -_cost(item[1]))
    largest = _cost(by_cost[0][1]) if by_cost else Decimal()
    return MonthSpend(
        cost=_cost(bill.by_model),
        generations=sum(row.generations for row in bill.by_model),
        unpriced=sum(row.unpriced for row in bill.by_model),
        spenders=[_spender(agency_id, own, largest or Decimal(1)) for agency_id, own in by_cost],
        others=bill.agencies - len(by_cost),
        models=[(row.model, row.cost) for row in bill.by_model],
    )


def _spender(agency_id: str, own: Sequence[Spend], largest: Decimal) -> Spender:
    cost, models = _cost(own), {row.model: row.cost for row in own}
    generations = sum(row.generations for row in own)
    return Spender(agency_id, own[0].agency or agency_id, generations, cost, models, float(cost / largest))


def _cost(rows: Iterable[Spend]) -> Decimal:
    return sum((row.cost for row in rows), Decimal())


PAGES = [Page("GET", "/", show_overview)]
