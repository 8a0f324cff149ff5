"""Monthly reports, generated for all agencies in one statement."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Generated:
    """Counts of reports, and the totals over all agencies. Money is in reais, ``ai_cost`` in US dollars."""

    agencies: int
    created: int
    updated: int
    without_movement: int
    revenue: Decimal
    expenses: Decimal
    profit: Decimal
    ai_generations: int
    ai_cost: Decimal


@dataclass(frozen=True)
class Report:
    """One agency's month; see the table's comments for what each figure means."""

    agency_id: str
    agency_name: str | None
    month: date
    revenue: Decimal
    expenses: Decimal
    profit: Decimal
    margin: Decimal | None
    previous_revenue: Decimal
    previous_expenses: Decimal
    previous_profit: Decimal
    revenue_change: Decimal | None
    expenses_change: Decimal | None
    profit_change: Decimal | None
    recurring_revenue: Decimal
    recurring_share: Decimal | None
    top_revenue_categories: list[dict[str, Any]]
    top_expense_categories: list[dict[str, Any]]
    ai_generations: int
    ai_cost: Decimal
    generated_at: datetime


async def generate(connection: Connection, month: Month, agency_id: str | None, now: datetime) -> Generated:
    """Writes the month's report of every agency, or of one; unchanged reports are not rewritten."""
    record = await connection.fetchrow(QUERIES["generate"], month.first_day, agency_id, *month.bounds, now)
    assert record is not None
    return Generated(**record)


async def of_month(executor: Executor, month: Month) -> list[Report]:
    """All reports of a month, the largest revenue first."""
    return [Report(**record) for record in await executor.fetch(QUERIES["of_month"], month.first_day)]
