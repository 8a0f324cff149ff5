"""The current figures of monthly reports, as lists and totals show them."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


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


async def of_month(executor: Executor, month: Month) -> list[Report]:
    """All reports of a month, the largest revenue first."""
    return [Report(**record) for record in await executor.fetch(QUERIES["of_month"], month.first_day, None)]


async def of_agency(executor: Executor, agency_id: str, month: Month) -> list[Report]:
    """One agency's report of a month, if there is one."""
    return [Report(**record) for record in await executor.fetch(QUERIES["of_month"], month.first_day, agency_id)]
