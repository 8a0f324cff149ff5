"""The monthly AI budget."""

from datetime import timedelta
from decimal import Decimal

from agenciaos_jobs.ai_content.alerts import AI_BUDGET_TOTAL
from agenciaos_jobs.ai_content.store import spend
from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.alerts.store import conditions
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.month import Month

INTERVAL = timedelta(minutes=5)

_STEPS = (100, 80)


class BudgetCheck:
    """Raises an alert once for each step of ``budget``, in US dollars a month, that the month's cost has reached."""

    def __init__(self, budget: Decimal, clock: Clock) -> None:
        self._budget, self._clock = budget, clock

    async def events(self, connection: Connection) -> list[AlertEvent]:
        """The alert of the highest step reached; none between intervals, and none below the first step."""
        now = self._clock.now()
        if not await conditions.try_start_interval(connection, "budget", now, INTERVAL):
            return []
        month = Month.of(now)
        spent = await spend.of_period(connection, *month.bounds)
        reached = next((step for step in _STEPS if spent * 100 >= self._budget * step), None)
        if reached is None:
            return []
        details = {"spent": f"{spent:.2f}", "budget": f"{self._budget:.2f}", "percent": reached, "month": str(month)}
        return [AlertEvent(AI_BUDGET_TOTAL, f"{month}:{reached}", None, details, once=True)]


def step_reached(used: int, limit: int) -> int | None:
    """The percentage, 80 or 100, that is reached by the very last one of ``used``; ``None`` where neither is."""
    if limit <= 0 or used > limit:
        return None
    if used == limit:
        return 100
    return 80 if used == -(-limit * 4 // 5) else None
