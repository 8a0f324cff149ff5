"""Bookkeeping that a test knows by heart: entries of agencies, typed in as the application stores them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

import asyncpg
import pytest

from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports.store import revisions
from agenciaos_jobs.reports.store.revisions import Revision
from agenciaos_jobs.settings import Settings
from support.clock import FrozenClock
from support.service import Service, running_service

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)
AURORA = "agency-123"

_NUMBERS = count(1)


async def earn(
    db: asyncpg.Connection,
    day: str,
    amount: str,
    category: str = "Serviços",
    *,
    agency: str = AURORA,
    recurring: bool = False,
    client: str | None = None,
    project: str | None = None,
) -> None:
    await db.execute(
        """INSERT INTO revenues
             (id, "agencyId", description, amount, category, "isRecurring", date, "updatedAt", "clientId", "projectId")
           VALUES ($1, $2, '', $3, $4, $5, $6, now(), $7, $8)""",
        f"earned-{next(_NUMBERS)}",
        agency,
        Decimal(amount),
        category,
        recurring,
        datetime.fromisoformat(day),
        client,
        project,
    )


async def spend(
    db: asyncpg.Connection, day: str, amount: str, category: str = "Custos", *, agency: str = AURORA
) -> None:
    await db.execute(
        """INSERT INTO expenses (id, "agencyId", description, amount, category, date, "updatedAt")
           VALUES ($1, $2, '', $3, $4, $5, now())""",
        f"spent-{next(_NUMBERS)}",
        agency,
        Decimal(amount),
        category,
        datetime.fromisoformat(day),
    )


async def report_of(db: asyncpg.Connection, month: str, agency: str = AURORA) -> Revision:
    """The current revision."""
    for kind in ("json", "jsonb"):
        import orjson

        await db.set_type_codec(
            kind, schema="pg_catalog", encoder=lambda v: orjson.dumps(v).decode(), decoder=orjson.loads
        )
    found = await revisions.current(db, agency, Month.parse(month))
    assert found
    return found


@pytest.fixture
async def books(db: asyncpg.Connection) -> asyncpg.Connection:
    """The database without the demo's entries."""
    await db.execute("DELETE FROM revenues; DELETE FROM expenses")
    return db


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
async def november(settings: Settings, clock: FrozenClock) -> AsyncIterator[Service]:
    """The service on 27 November 2026."""
    async with running_service(settings, clock=clock) as service:
        yield service


def day(text: str) -> date:
    return date.fromisoformat(text)
