"""The revisions of monthly reports: each as it was generated, the newest being the current one."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.reports.numbers.figures import Figures

QUERIES = load(__name__)


@dataclass(frozen=True)
class Revision:
    """One agency's month as it was generated. ``covers_until`` is the last day of a partial month."""

    agency_id: str
    agency_name: str
    is_deleted: bool
    month: Month
    revision: int
    covers_until: date | None
    figures: Figures
    changes: dict[str, Any] | None
    generated_at: datetime


@dataclass(frozen=True)
class Change:
    """An earlier or later revision and what differs from the one before it, as ``[before, after]``."""

    revision: int
    covers_until: date | None
    changes: dict[str, Any] | None
    generated_at: datetime


async def current(executor: Executor, agency_id: str, month: Month) -> Revision | None:
    record = await executor.fetchrow(QUERIES["current"], agency_id, month.first_day)
    return _revision(dict(record)) if record else None


async def changes(executor: Executor, agency_id: str, month: Month) -> list[Change]:
    """Every revision of a report, newest first."""
    return [Change(**record) for record in await executor.fetch(QUERIES["all"], agency_id, month.first_day)]


async def page(
    executor: Executor,
    month: Month | None,
    agency_id: str | None,
    *,
    after: tuple[Month, str] | None = None,
    limit: int,
) -> list[Revision]:
    """Current revisions, newest month first, starting after a month and agency."""
    position = (after[0].first_day, after[1]) if after else (None, None)
    values = (month.first_day if month else None, agency_id, *position, limit)
    return [_revision(dict(record)) for record in await executor.fetch(QUERIES["page"], *values)]


async def of_month(executor: Executor, month: Month, limit: int) -> list[Revision]:
    """The month's current revisions, the largest revenue first."""
    records = await executor.fetch(QUERIES["of_month"], month.first_day, limit)
    return [_revision(dict(record)) for record in records]


def _revision(record: dict[str, Any]) -> Revision:
    first_day, stored, snapshot = record.pop("month"), record.pop("figures"), record.pop("snapshot")
    month = Month(first_day.year, first_day.month)
    return Revision(**record, month=month, figures=Figures.read(first_day, stored, snapshot))
