"""What AI has cost. Days that are over are counted once; the present one each time it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.database import Database, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

_CLOSED_AFTER = timedelta(minutes=10)
_MAX_DAYS = 96


@dataclass(frozen=True)
class Spend:
    """What generations with a model have cost, in US dollars; ``unpriced`` ones had no known price.

    An agency's, or everyone's where ``agency_id`` is ``None``.
    """

    agency_id: str | None
    agency: str | None
    model: str
    generations: int
    unpriced: int
    cost: Decimal


@dataclass(frozen=True)
class Bill:
    """AI spend, the dearest first: of the agencies that spent most, and of all ``agencies`` together."""

    by_agency: Sequence[Spend]
    by_model: Sequence[Spend]
    agencies: int


async def of_period(executor: Executor, since: datetime, until: datetime) -> Decimal:
    """US dollars that AI has cost in between, as far as prices are known."""
    cost: Decimal = await executor.fetchval(QUERIES["of_period"], since, until)
    return cost


async def count_closed_days(database: Database, now: datetime) -> int:
    """Counts what AI cost on days that are over, one transaction each; returns how many those were."""
    last = (now - _CLOSED_AFTER).astimezone(SAO_PAULO).date() - timedelta(days=1)
    records = await database.fetch(QUERIES["due_days"], last, _MAX_DAYS)
    for record in records:
        async with database.transaction() as connection:
            if not await connection.fetchval(QUERIES["lock"]):
                return 0
            day: date = record["day"]
            if not await connection.fetchval(QUERIES["is_counted"], day):
                await connection.execute(QUERIES["count_day"], day, _midnight(day), _midnight(day + timedelta(days=1)))
    return len(records)


async def bill(executor: Executor, first_day: date, now: datetime, limit: int) -> Bill:
    """From a day of São Paulo on."""
    tomorrow = now.astimezone(SAO_PAULO).date() + timedelta(days=1)
    records = await executor.fetch(QUERIES["spend"], first_day, tomorrow, limit)
    rows = [Spend(*tuple(record)[:-1]) for record in records]
    return Bill(
        by_agency=[row for row in rows if row.agency_id is not None],
        by_model=[row for row in rows if row.agency_id is None],
        agencies=max((record["agencies"] for record in records), default=0),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SAO_PAULO)
