"""Generation of a month's reports: drafted in one pass over the bookkeeping, then written in chunks."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_ABANDONED_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Rates:
    """Optional rates of a report: reais for one US dollar, and the estimated tax as a fraction of revenue."""

    usd_brl: Decimal | None = None
    tax: Decimal | None = None


@dataclass(frozen=True)
class Progress:
    """A month within a run. ``drafted`` reports differ from what is stored; of those, so many are written."""

    totals: Json
    drafted: int
    created: int
    updated: int

    @property
    def agencies(self) -> int:
        return int(self.totals["agencies"])

    @property
    def is_complete(self) -> bool:
        return self.created + self.updated >= self.drafted


@dataclass(frozen=True)
class Written:
    """A revision that was written. ``is_first``: no whole report of that month was there before."""

    agency_id: str
    revision: int
    is_first: bool


async def progress(executor: Executor, run_id: str, month: Month) -> Progress | None:
    """How far the run has come with the month; ``None`` if it has not begun."""
    record = await executor.fetchrow(QUERIES["progress"], run_id, month.first_day)
    return Progress(**record) if record else None


async def locked_progress(connection: Connection, run_id: str, month: Month) -> Progress | None:
    """As :func:`progress`, and no other attempt of the run changes it before the transaction ends."""
    await connection.execute(QUERIES["lock"], run_id)
    return await progress(connection, run_id, month)


async def draft(
    connection: Connection,
    run_id: str,
    month: Month,
    agency_id: str | None,
    *,
    until: date,
    rates: Rates,
    now: datetime,
) -> Progress:
    """Computes the month of every agency, or of one, from what is dated before ``until``."""
    starts = [datetime.combine(month.back(age).first_day, time()) for age in range(12, -1, -1)]
    values = (month.first_day, agency_id, *month.bounds, until, run_id, rates.usd_brl, rates.tax, now, starts)
    await connection.execute(QUERIES["allow_memory"])
    record = await connection.fetchrow(QUERIES["draft"], *values)
    assert record is not None
    return Progress(**record)


async def write_chunk(
    connection: Connection, run_id: str, month: Month, size: int, now: datetime, *, before: int
) -> list[Written]:
    """Turns the next drafts into revisions, after the ``before`` that were written earlier."""
    records = await connection.fetch(QUERIES["write_chunk"], run_id, month.first_day, size, now, before)
    return [Written(**record) for record in records]


async def advance(connection: Connection, run_id: str, month: Month, created: int, updated: int) -> Progress:
    """Counts written reports."""
    record = await connection.fetchrow(QUERIES["advance"], run_id, month.first_day, created, updated)
    assert record is not None
    return Progress(**record)


async def drop_progress(executor: Executor, run_id: str, now: datetime) -> None:
    """Drops the run's scratch rows, and those of runs that never came to their end."""
    await executor.execute(QUERIES["drop_progress"], run_id, now - _ABANDONED_AFTER)


async def months_with_reports(executor: Executor, first: Month, before: Month, agency_id: str | None) -> list[Month]:
    """The months from ``first`` to the one before ``before`` that have a report, oldest first."""
    records = await executor.fetch(QUERIES["months"], first.first_day, before.first_day, agency_id)
    return [Month(record["month"].year, record["month"].month) for record in records]
