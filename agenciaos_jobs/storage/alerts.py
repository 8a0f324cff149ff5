"""Alerts: what was raised, what of it was told, on which channel, and how that went."""

from collections.abc import Iterable
from datetime import datetime

from agenciaos_jobs.core.alert import EPISODE, Event, Raised, together
from agenciaos_jobs.core.clock import Clock
from agenciaos_jobs.storage.database import Executor
from agenciaos_jobs.storage.queries import load

QUERIES = load("alerts")


async def add(executor: Executor, events: Iterable[Event], clock: Clock) -> None:
    """Raises alerts: in a transaction as its last statement, or by itself. They are told later, by whoever watches."""
    await add_raised(executor, together(events), clock)


async def add_raised(executor: Executor, raised: list[Raised], clock: Clock) -> None:
    """The same for events that were put together already."""
    now = clock.now()
    for one in (item for item in raised if item.once):
        await _add_once(executor, one, clock.new_id("alert"), now)
    rows = [vars(item) | {"id": clock.new_id("alert")} for item in raised if not item.once]
    if rows:
        await executor.execute(QUERIES["add"], rows, now, EPISODE)


async def _add_once(executor: Executor, one: Raised, alert_id: str, now: datetime) -> None:
    await executor.execute(QUERIES["add_once"], alert_id, one.kind.value, one.key, list(one.subjects), one.details, now)
