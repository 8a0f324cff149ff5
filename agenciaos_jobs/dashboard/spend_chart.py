"""The days of a month's AI spend as bars, and those of the month before as a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from agenciaos_jobs.dashboard.charts import rectangle
from agenciaos_jobs.foundation.month import Month

WIDTH, HEIGHT = 1000.0, 190.0

_SHARES = (Decimal(1), Decimal("0.5"), Decimal(0))
_GAP = 0.12
_LOWEST = 1.5


@dataclass(frozen=True)
class DaySpend:
    """A day of a month, and the same day of the month before: ``None`` where that has no such day. In US dollars."""

    day: date
    cost: Decimal
    previous: Decimal | None
    x: float
    width: float


@dataclass(frozen=True)
class SpendChart:
    """The chart; ``top`` is the upper end of its scale in US dollars."""

    days: tuple[DaySpend, ...]
    top: Decimal
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def scale(self) -> tuple[Decimal, ...]:
        """The values of the grid lines, from the top down."""
        return tuple(self.top * share for share in _SHARES)

    @property
    def lines(self) -> tuple[float, ...]:
        """The heights of the grid lines."""
        return tuple(self._y(value) for value in self.scale)

    @property
    def bars(self) -> str:
        """The month's days as one SVG path; a day that cost anything can be seen."""
        return "".join(self._bar(day) for day in self.days if day.cost)

    @property
    def previous(self) -> str:
        """The points of a polyline through the days of the month before; empty where that cost nothing."""
        if not any(day.previous for day in self.days):
            return ""
        known = [(day.x + day.width / 2, day.previous) for day in self.days if day.previous is not None]
        return " ".join(f"{x:.2f},{self._y(cost):.2f}" for x, cost in known)

    def field_of(self, day: DaySpend) -> str:
        """The hover area of a day."""
        return rectangle(day.x, 0, day.width, HEIGHT)

    def _bar(self, day: DaySpend) -> str:
        tall = max(HEIGHT - self._y(day.cost), _LOWEST)
        return rectangle(day.x + day.width * _GAP, HEIGHT - tall, day.width * (1 - 2 * _GAP), tall)

    def _y(self, value: Decimal) -> float:
        return HEIGHT * (1 - float(value / self.top))


def spend_chart(month: Month, costs: Mapping[date, Decimal]) -> SpendChart:
    """The chart of a month; ``costs`` is by day, of it and of the month before."""
    slot, days = WIDTH / (month.next.first_day - month.first_day).days, list[DaySpend]()
    day, counterpart = month.first_day, month.previous.first_day
    while day < month.next.first_day:
        previous = costs.get(counterpart, Decimal()) if counterpart < month.first_day else None
        days.append(DaySpend(day, costs.get(day, Decimal()), previous, len(days) * slot, slot))
        day, counterpart = day + timedelta(days=1), counterpart + timedelta(days=1)
    return SpendChart(tuple(days), decimal_top(max(max(day.cost, day.previous or Decimal()) for day in days)))


def decimal_top(largest: Decimal) -> Decimal:
    """The upper end of a scale that holds ``largest`` and is easy to halve, however small: 0.002, 0.04, 1, 20 …"""
    if largest <= 0:
        return Decimal(1)
    power = Decimal(10) ** largest.adjusted()
    return next(power * step for step in (1, 2, 4, 6, 8, 10) if power * step >= largest)
