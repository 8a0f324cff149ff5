"""A report as JSON: what the API answers and the webhook carries. Amounts are exact, as decimal strings."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from agenciaos_jobs.reports.numbers.figures import LISTS, Line
from agenciaos_jobs.reports.store.revisions import Revision

Money = Annotated[Decimal, PlainSerializer(str, return_type=str)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class ReportLine(_Wire):
    """A category, client or project; without a name it is everything that has none."""

    name: str | None = None
    amount: Money
    others: int = Field(default=0, description="How many smaller lines this one sums up")


class ReportMonth(_Wire):
    """A month's sums in reais."""

    month: str
    revenue: Money
    expenses: Money
    profit: Money


class ReportAgent(_Wire):
    """An AI agent's use; the cost is in US dollars."""

    agent: str
    generations: int
    cost: Money


class ReportCount(_Wire):
    """How many began, were active and ended in the month."""

    begun: int
    active: int
    ended: int


class ReportTasks(_Wire):
    """Tasks done in the month, and overdue at its end."""

    done: int
    overdue: int


class ReportFigures(_Wire):
    """The figures. Money is in reais, aiCost in US dollars; revenue and expenses count by entry date."""

    revenue: Money
    expenses: Money
    profit: Money
    margin: Money | None
    previous_revenue: Money
    previous_expenses: Money
    revenue_adjustments: Money
    expense_adjustments: Money
    recurring: Money = Field(description="Revenue of the month that is marked as recurring")
    contracted: Money = Field(description="All recurring revenue that began by the month's end")
    year_to_date: ReportMonth
    months: list[ReportMonth] = Field(description="Thirteen months from the bookkeeping, oldest first")
    revenue_categories: list[ReportLine]
    expense_categories: list[ReportLine]
    clients: list[ReportLine]
    projects: list[ReportLine]
    agents: list[ReportAgent]
    ai_generations: int
    ai_cost: Money
    ai_cost_brl: Money | None
    estimated_tax: Money | None
    plan: str
    plan_changes: list[dict[str, str]]
    client_count: ReportCount
    project_count: ReportCount
    tasks: ReportTasks


class MonthlyReport(_Wire):
    """One agency's month. ``partialUntil`` is the last day that a report of the present month covers."""

    agency_id: str
    agency_name: str
    month: str
    revision: int
    partial_until: date | None
    generated_at: datetime
    changes: dict[str, Any] | None = Field(description="What differs from the revision before, as [before, after]")
    figures: ReportFigures


class ReportPage(_Wire):
    """Reports, the newest month first. ``next`` goes into ``after`` for the next page."""

    data: list[MonthlyReport]
    next: str | None = None


def monthly_report(report: Revision) -> MonthlyReport:
    figures = report.figures
    plain = set(ReportFigures.model_fields) - {*LISTS, "months", "year_to_date", "plan_changes"}
    return MonthlyReport(
        agency_id=report.agency_id,
        agency_name=report.agency_name,
        month=str(report.month),
        revision=report.revision,
        partial_until=report.covers_until,
        generated_at=report.generated_at,
        changes=report.changes,
        figures=ReportFigures(
            **{name: getattr(figures, name) for name in plain},
            **{name: [_line(line) for line in getattr(figures, name)] for name in LISTS},
            months=[_month(each) for each in figures.months],
            year_to_date=_month(figures.year_to_date),
            plan_changes=[dict(each) for each in figures.plan_changes],
        ),
    )


def _line(line: Line) -> ReportLine:
    return ReportLine(name=line.name or None, amount=line.amount, others=line.others)


def _month(each: Any) -> ReportMonth:
    sums = {"revenue": each.revenue, "expenses": each.expenses, "profit": each.profit}
    return ReportMonth(month=f"{each.month:%Y-%m}", **sums)
