"""Alerts and their notices for the dashboard."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.alerts.alert import Alert
from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.alerts.store.alerts import alert_of
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class SentNotice:
    """A notice on one channel: sent once ``sent_at`` is set; ``error`` is the cause of the last failure."""

    channel: str
    telling: str
    title: str
    run_id: str
    created_at: datetime
    sent_at: datetime | None
    error: str | None
    failed_at: datetime | None


async def page(
    executor: Executor, *, kind: AlertKind | None = None, after: tuple[datetime, str] | None = None, limit: int
) -> list[Alert]:
    """The most recent alerts, starting after ``after`` (time raised, and id)."""
    position = after or (None, None)
    return [alert_of(record) for record in await executor.fetch(QUERIES["page"], kind, *position, limit)]


async def one(executor: Executor, alert_id: str) -> Alert | None:
    record = await executor.fetchrow(QUERIES["one"], alert_id)
    return alert_of(record) if record else None


async def notices(executor: Executor, alert_id: str, limit: int) -> list[SentNotice]:
    """The notices of an alert, newest first."""
    return [SentNotice(**record) for record in await executor.fetch(QUERIES["notices"], alert_id, limit)]
