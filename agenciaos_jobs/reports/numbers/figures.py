"""The figures of one agency's month, parsed from a revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

from agenciaos_jobs.foundation.month import Month

Number = Decimal | None

LISTS = ("revenue_categories", "expense_categories", "clients", "projects")
"""The lists of a report, as they are stored."""

_AMOUNTS = (
    *("revenue", "expenses", "previous_revenue", "previous_expenses", "revenue_adjustments", "expense_adjustments"),
    *("recurring", "contracted", "ai_cost"),
)


@dataclass(frozen=True)
class Line:
    """A category, client or project. ``others`` is how many a line sums up that lie below the limit of the list."""

    name: str
    amount: Decimal
    others: int = 0


@dataclass(frozen=True)
class AgentUse:
    """An AI agent's use in the month; ``cost`` is in US dollars."""

    agent: str
    generations: int
    cost: Decimal


@dataclass(frozen=True)
class MonthSum:
    """A month's revenue and expenses, from the bookkeeping."""

    month: date
    revenue: Decimal
    expenses: Decimal

    @property
    def profit(self) -> Decimal:
        return self.revenue - self.expenses


@dataclass(frozen=True)
class Count:
    """How many began within the month, were active in it, and ended in it."""

    begun: int = 0
    active: int = 0
    ended: int = 0


@dataclass(frozen=True)
class Tasks:
    """Tasks that were done in the month, and those whose due date had passed at its end."""

    done: int = 0
    overdue: int = 0


@dataclass(frozen=True)
class Figures:
    """One agency's month. Money is in reais, ``ai_cost`` in US dollars; ``months`` are thirteen, oldest first."""

    revenue: Decimal
    expenses: Decimal
    previous_revenue: Decimal
    previous_expenses: Decimal
    revenue_adjustments: Decimal
    expense_adjustments: Decimal
    recurring: Decimal
    contracted: Decimal
    months: tuple[MonthSum, ...]
    revenue_categories: tuple[Line, ...]
    expense_categories: tuple[Line, ...]
    clients: tuple[Line, ...]
    projects: tuple[Line, ...]
    agents: tuple[AgentUse, ...]
    ai_generations: int
    ai_cost: Decimal
    plan: str
    plan_changes: tuple[Mapping[str, str], ...]
    client_count: Count
    project_count: Count
    tasks: Tasks
    usd_brl: Number
    tax_rate: Number

    @classmethod
    def read(cls, month: date, stored: Mapping[str, Any], snapshot: Mapping[str, Any]) -> Self:
        """The figures as ``generation.sql`` writes them."""
        sections = stored["sections"] or {}
        amounts = {name: Decimal(stored[name]) for name in _AMOUNTS}
        lists: dict[str, Any] = {name: _lines(sections.get(name, ())) for name in LISTS}
        lists |= {name: _with_rest(lists[name], amounts["revenue"]) for name in ("clients", "projects")}
        return cls(
            **(amounts | lists),
            months=_months(month, stored["earned"].split(), stored["spent"].split()),
            agents=tuple(
                AgentUse(each["agent"], each["generations"], Decimal(each["cost"])) for each in stored["agents"] or ()
            ),
            ai_generations=stored["ai_generations"],
            plan=snapshot["plan"],
            plan_changes=tuple(snapshot["plan_changes"]),
            client_count=Count(**(snapshot["clients"] or {})),
            project_count=Count(**(snapshot["projects"] or {})),
            tasks=Tasks(**(snapshot["tasks"] or {})),
            usd_brl=_number(snapshot["usd_brl"]),
            tax_rate=_number(snapshot["tax_rate"]),
        )

    @property
    def profit(self) -> Decimal:
        return self.revenue - self.expenses

    @property
    def previous_profit(self) -> Decimal:
        return self.previous_revenue - self.previous_expenses

    @property
    def margin(self) -> Number:
        return share(self.profit, self.revenue)

    @property
    def ai_cost_brl(self) -> Number:
        return None if self.usd_brl is None else self.ai_cost * self.usd_brl

    @property
    def estimated_tax(self) -> Number:
        """The revenue times ``REPORT_TAX_RATE``; an estimate, and outside all other figures."""
        return None if self.tax_rate is None else max(self.revenue, Decimal()) * self.tax_rate

    @cached_property
    def year_to_date(self) -> MonthSum:
        """The sums from January up to this month."""
        year = [each for each in self.months if each.month.year == self.months[-1].month.year]
        revenue = sum((each.revenue for each in year), Decimal())
        return MonthSum(year[0].month, revenue, sum((each.expenses for each in year), Decimal()))


def share(part: Decimal, whole: Decimal) -> Number:
    """A part as a fraction of the whole; ``None`` where the whole is zero or below."""
    return part / whole if whole > 0 else None


def growth(now: Decimal, before: Decimal) -> Number:
    """The change as a fraction of what was before; ``None`` where that was zero or below."""
    return now / before - 1 if before > 0 else None


def _lines(stored: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(each.get("category", ""), Decimal(each["amount"]), each.get("others", 0)) for each in stored)


def _with_rest(lines: tuple[Line, ...], total: Decimal) -> tuple[Line, ...]:
    """The lines with a last one for what belongs to none of them, if there are any."""
    rest = total - sum((line.amount for line in lines), Decimal())
    return (*lines, Line("", rest)) if lines and rest else lines


def _months(last: date, earned: Sequence[str], spent: Sequence[str]) -> tuple[MonthSum, ...]:
    present = Month(last.year, last.month)
    return tuple(
        MonthSum(present.back(12 - place).first_day, Decimal(revenue), Decimal(expenses))
        for place, (revenue, expenses) in enumerate(zip(earned, spent, strict=True))
    )


def _number(text: str | None) -> Number:
    return None if text is None else Decimal(text)
