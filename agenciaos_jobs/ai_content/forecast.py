"""The forecast of a month's AI spend."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.month import Month

BASIS = 7
"""The number of full days before today. Each remaining day of the month is forecast at their mean."""


def basis(first_day: date | None, today: date) -> int:
    """The number of days to take the mean of: :data:`BASIS`, or as many as were full since the first spend."""
    return max(0, min(BASIS, (today - first_day).days)) if first_day else 0


def days_left(now: datetime) -> Decimal:
    """The rest of the month of São Paulo in days, that of today included: 2.5 at noon on the last day but two."""
    rest = Month.of(now).next.starts_at - now.astimezone(SAO_PAULO)
    return Decimal(rest // timedelta(milliseconds=1)) / 86_400_000


def forecast(spent: Decimal, recent: Decimal, days: int, left: Decimal) -> Decimal | None:
    """What the month will have cost: what it has so far, and the mean of the last days for each day that is left.

    ``recent`` was spent on the last ``days`` full days, which are all weekdays once if there are seven, and may lie in
    the month before; ``left`` is in days. ``None`` without a full day. A trend or a holiday is not foreseen.
    """
    return spent + recent / days * left if days else None
