"""Servers and workers that send alerts, and what they have sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.alerts.notifier import AlertNotifier
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.wiring import Runtime, open_runtime
from support.clock import FrozenClock
from support.service import PATIENCE


@asynccontextmanager
async def watching(settings: Settings, clock: FrozenClock) -> AsyncIterator[tuple[Runtime, AlertNotifier]]:
    async with open_runtime(settings, clock) as runtime:
        yield runtime, runtime.notifier


def with_slack(settings: Settings, url: str, **changes: Any) -> Settings:
    return Settings.model_validate(settings.model_dump() | {"slack_webhook_url": url} | changes)


async def settled(db: asyncpg.Connection, condition: str) -> list[asyncpg.Record]:
    async with asyncio.timeout(PATIENCE):
        while not (rows := await db.fetch(f"SELECT * FROM jobs.alert_notices WHERE {condition} ORDER BY id")):
            await asyncio.sleep(0.02)
    return rows


async def raised(db: asyncpg.Connection, kind: AlertKind, count: int = 1) -> asyncpg.Record:
    """The kind's one alert, once it was raised so often."""
    async with asyncio.timeout(PATIENCE):
        while not (row := await db.fetchrow("SELECT * FROM jobs.alerts WHERE kind = $1 AND raised >= $2", kind, count)):
            await asyncio.sleep(0.02)
    return row


async def sent(db: asyncpg.Connection, kinds: set[AlertKind], channels: set[str], telling: str = "first") -> None:
    """Waits until each of these kinds was sent on each of these channels."""
    async with asyncio.timeout(PATIENCE):
        while True:
            rows = await db.fetch(
                "SELECT kind, channel FROM jobs.alert_notices WHERE sent_at IS NOT NULL AND telling = $1", telling
            )
            missing = {(kind, channel) for kind in kinds for channel in channels} - {tuple(row) for row in rows}
            if not missing:
                return
            await asyncio.sleep(0.05)


async def look_now(db: asyncpg.Connection) -> None:
    """Has the worker look at conditions in its next round, instead of in half a minute."""
    await db.execute("UPDATE jobs.alert_rounds SET last_at = '-infinity'")
