"""Months of money side by side: revenue and expenses as bars, profit as a line that may go below zero."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agenciaos_jobs.dashboard.charts import scale_top
from agenciaos_jobs.reports.numbers.figures import MonthSum
from agenciaos_jobs.reports.store.monthly_reports import Report

WIDTH, HEIGHT = 1000.0, 190.0


@dataclass(frozen=True)
class Rect:
    """One bar."""

    tone: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class MonthColumn:
    """A month's bars; ``report`` is ``None`` where the month has none."""

    month: date
    report: Report | MonthSum | None
    x: float
    width: float
    bars: tuple[Rect, ...]


@dataclass(frozen=True)
class MoneyChart:
    """The chart; ``scale`` holds the equidistant values of the grid lines, from the top down."""

    columns: tuple[MonthColumn, ...]
    profit: str
    dots: tuple[tuple[float, float], ...]
    scale: tuple[int, ...]
    lines: tuple[float, ...]
    zero: float
    width: float = WIDTH
    height: float = HEIGHT


def money_chart(months: Sequence[date], reports: Sequence[Report | MonthSum]) -> MoneyChart:
    """The chart of these months; some may have no report."""
    known = {report.month: report for report in reports}
    scale = _scale(reports)
    whole = scale[0] - scale[-1]

    def y(value: Decimal | int) -> float:
        return round(HEIGHT * float(scale[0] - value) / whole, 2)

    slot, columns, dots = WIDTH / max(1, len(months)), [], []
    for number, month in enumerate(months):
        report, x = known.get(month), number * slot
        bars: list[Rect] = []
        if report:
            for place, (tone, value) in enumerate((("accent", report.revenue), ("off", report.expenses))):
                top, bottom = sorted((y(value), y(0)))
                left = round(x + slot * (0.16 + 0.35 * place), 2)
                bars.append(Rect(tone, left, top, round(slot * 0.33, 2), round(bottom - top, 2)))
            dots.append((round(x + slot / 2, 2), y(report.profit)))
        columns.append(MonthColumn(month, report, round(x, 2), round(slot, 2), tuple(bars)))
    line = " ".join(f"{x},{height}" for x, height in dots)
    return MoneyChart(tuple(columns), line, tuple(dots), scale, tuple(y(value) for value in scale), y(0))


def _scale(reports: Sequence[Report | MonthSum]) -> tuple[int, ...]:
    """Round values for the grid lines, zero among them, that span every figure."""
    values = [float(value) for report in reports for value in (report.revenue, report.expenses, report.profit)]
    top, bottom = max([*values, 0]), min([*values, 0])
    step = scale_top(max(top, -bottom) / 3)
    return tuple(step * number for number in range(max(1, math.ceil(top / step)), math.floor(bottom / step) - 1, -1))
