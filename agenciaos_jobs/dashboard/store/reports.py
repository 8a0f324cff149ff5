"""Monthly reports for the dashboard."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.reports.store.monthly_reports import Report

QUERIES = load(__name__)


@dataclass(frozen=True)
class AgencyReport(Report):
    """A report. ``is_deleted``: the application no longer has its agency, whose name is the report's own."""

    is_deleted: bool


@dataclass(frozen=True)
class MonthTotals:
    """The totals of a month over all agencies. Money is in reais, ``ai_cost`` in US dollars."""

    agencies: int
    revenue: Decimal
    expenses: Decimal
    profit: Decimal
    previous_revenue: Decimal
    previous_expenses: Decimal
    previous_profit: Decimal
    recurring_revenue: Decimal
    ai_generations: int
    ai_cost: Decimal
    generated_at: datetime | None

    @property
    def margin(self) -> Decimal | None:
        return self.profit / self.revenue if self.revenue else None


async def months(executor: Executor) -> list[Month]:
    """The months with reports, newest first."""
    return [Month(record["month"].year, record["month"].month) for record in await executor.fetch(QUERIES["months"])]


async def totals(executor: Executor, month: Month) -> MonthTotals:
    record = await executor.fetchrow(QUERIES["totals"], month.first_day)
    assert record
    return MonthTotals(**record)


async def page(
    executor: Executor, month: Month, *, after: tuple[Decimal, str] | None = None, limit: int
) -> list[AgencyReport]:
    """The month's reports by revenue, highest first, starting after ``after`` (revenue and agency)."""
    position = after or (None, None)
    records = await executor.fetch(QUERIES["page"], month.first_day, *position, limit)
    return [AgencyReport(**record) for record in records]


async def of_agency(executor: Executor, agency_id: str, first: Month, last: Month) -> list[AgencyReport]:
    """An agency's reports between two months, both included, oldest first."""
    records = await executor.fetch(QUERIES["of_agency"], agency_id, first.first_day, last.first_day)
    return [AgencyReport(**record) for record in records]
