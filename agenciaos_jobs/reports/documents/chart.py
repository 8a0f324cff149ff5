"""The chart of thirteen months, as fractions of its height; the PDF draws it."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.numbers.figures import MonthSum

_STEPS = (1, 2, 2.5, 5, 10)


def chart(months: Sequence[MonthSum], fmt: Formatter) -> dict[str, Any]:
    """Grid lines and bars; heights are fractions of the whole, measured from the bottom."""
    values = [float(value) for each in months for value in (each.revenue, each.expenses, each.profit)]
    top, bottom = max([*values, 0.0]), min([*values, 0.0])
    step = _step(max(top - bottom, 4.0) / 4)
    high, low = max(1, math.ceil(top / step)), math.floor(bottom / step)

    def height(value: float) -> float:
        return round((value / step - low) / (high - low), 4)

    lines = [
        {"at": height(number * step), "label": fmt.compact_reais(Decimal(str(step * number)))}
        for number in range(low, high + 1)
    ]
    bars = [
        {
            "month": fmt.short_month(each.month),
            "revenue": height(float(each.revenue)),
            "expenses": height(float(each.expenses)),
            "profit": height(float(each.profit)),
        }
        for each in months
    ]
    return {"zero": height(0.0), "lines": lines, "bars": bars}


def _step(size: float) -> float:
    """The next round number: 1, 2, 2.5 or 5 times a power of ten."""
    unit = 10.0 ** math.floor(math.log10(size))
    return next(step for step in _STEPS if step * unit >= size) * unit
