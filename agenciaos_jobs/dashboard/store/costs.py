"""What AI costs, for the dashboard: by day, by agency, agent and model, and who is near a plan's limit."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from agenciaos_jobs.ai_content.forecast import basis, days_left, forecast
from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Filter:
    """A month's generations that match all given criteria."""

    month: Month
    agency_id: str | None = None
    agent: str | None = None
    model: str | None = None


@dataclass(frozen=True)
class Stretch:
    """The days that a month is compared with and forecast from.

    A month that is over is compared with the whole month before it, the present one with the same days of the month
    before, and only that one is forecast: from the days since ``recent_from``, and ``left`` days.
    """

    compared_until: date
    recent_from: date
    today: date
    left: Decimal

    @property
    def recent_days(self) -> int:
        return (self.today - self.recent_from).days

    def forecast(self, spent: Decimal, recent: Decimal) -> Decimal | None:
        return forecast(spent, recent, self.recent_days, self.left)


@dataclass(frozen=True)
class Day:
    """A day's generations and their cost in US dollars; ``unpriced`` ones had no known price."""

    day: date
    generations: int
    unpriced: int
    cost: Decimal


@dataclass(frozen=True)
class Days:
    """The days of a month and of the one before that have generations, oldest first, of those that match a filter.

    ``agents`` and ``models`` are all of the two months.
    """

    days: list[Day]
    agents: list[str]
    models: list[str]

    def cost(self, first: date, before: date) -> Decimal:
        """What they cost from a day up to before another."""
        return sum((day.cost for day in self.days if first <= day.day < before), Decimal())


@dataclass(frozen=True)
class CostRow:
    """What a month cost by agency, agent and model, in US dollars; what the list is not grouped by is empty.

    ``previous`` is the cost of the days of the month before that it is compared with, ``recent`` that of the days that
    it is forecast from. ``count`` is the number of rows on all pages.
    """

    agency_id: str
    agency: str | None
    agent_type: str
    model: str
    generations: int
    unpriced: int
    cost: Decimal
    previous: Decimal
    recent: Decimal
    count: int

    @property
    def key(self) -> list[str]:
        """The row's place in the order of an export."""
        return [self.agency_id, self.agent_type, self.model]

    @property
    def content_key(self) -> tuple[str, str]:
        """Whose contents, and of which agent."""
        return self.agency_id, self.agent_type

    @property
    def change(self) -> Decimal | None:
        return self.cost / self.previous - 1 if self.previous else None


@dataclass(frozen=True)
class NearLimit:
    """An agency near its plan's monthly limit, ``allowed``; what it ``used`` beyond that is not counted.

    ``count`` is the number of such agencies, ``exhausted`` that of those which have reached it.
    """

    id: str
    name: str
    plan: str
    allowed: int
    exhausted: int
    count: int
    used: int


@dataclass(frozen=True)
class Order:
    """How rows are sorted: by ``name``, or by a figure, after which those without it come last."""

    by: str
    is_ascending: bool


def stretch(month: Month, first: date | None, now: datetime) -> Stretch:
    """The stretches of a month; ``first`` is the day of the first generation ever."""
    today = now.astimezone(SAO_PAULO).date()
    if month != Month.of(now):
        return Stretch(month.first_day, today, today, Decimal())
    same_day = month.previous.first_day + timedelta(days=today.day)
    began = basis(first, today)
    return Stretch(min(same_day, month.first_day), today - timedelta(days=began), today, days_left(now))


async def days(executor: Executor, wanted: Filter) -> Days:
    """What the days of the filter's month and of the one before cost."""
    found = Days([], [], [])
    for record in await executor.fetch(QUERIES["days"], *_values(wanted)):
        day, agent, model, generations, unpriced, cost = record
        if agent is not None:
            found.agents.append(agent)
        elif model is not None:
            found.models.append(model)
        elif generations:
            found.days.append(Day(day, generations, unpriced, cost))
    return found


async def rows(
    executor: Executor,
    wanted: Filter,
    stretch: Stretch,
    groups: Collection[str],
    order: Order | None,
    *,
    after: list[str] | None = None,
    limit: int,
    skip: int = 0,
) -> list[CostRow]:
    """The costs by ``groups``: of ``agency``, ``agent`` and ``model``. Without an order they come by their keys."""
    weight = stretch.left / stretch.recent_days if stretch.recent_days else Decimal()
    compared = (stretch.compared_until, stretch.recent_from, stretch.today, weight)
    sorting = (order.by, order.is_ascending) if order else (None, True)
    records = await executor.fetch(
        QUERIES["rows"],
        *_values(wanted),
        list(groups),
        wanted.month.first_day,
        *compared,
        *sorting,
        after,
        limit,
        skip,
    )
    return [CostRow(**record) for record in records]


async def first_day(executor: Executor) -> date | None:
    """The day of the first generation ever."""
    day: date | None = await executor.fetchval(QUERIES["first_day"])
    return day


async def near_limits(
    executor: Executor, month: Month, limits: Mapping[str, int], *, share: Decimal, limit: int
) -> list[NearLimit]:
    """The agencies that have used at least a share of their plan's generations of the month, the largest first."""
    records = await executor.fetch(
        QUERIES["near_limits"], month.first_day, list(limits), list(limits.values()), share, limit
    )
    return [NearLimit(**record) for record in records]


def _values(wanted: Filter) -> tuple[date, date, str | None, str | None, str | None]:
    month = wanted.month
    return (month.previous.first_day, month.next.first_day, wanted.agency_id, wanted.agent, wanted.model)
