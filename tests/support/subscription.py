"""Guru's webhooks about the subscription of agency-123, delivered to a service with a clock of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg

from agenciaos_jobs.settings import Settings
from support.clock import FrozenClock
from support.service import Service, running_service

NOON = datetime(2026, 12, 2, 12, tzinfo=UTC)


@asynccontextmanager
async def serving(settings: Settings, clock: FrozenClock, **changes: Any) -> AsyncIterator[Service]:
    async with running_service(settings.model_copy(update=changes), clock=clock) as service:
        yield service


async def did(service: Service, content: dict[str, Any]) -> dict[str, Any]:
    status, answer = await service.post("/webhooks/guru", content)
    assert status == 200, answer
    output: dict[str, Any] = (await service.finished(answer["jobId"]))["output"]
    return output


async def plan(db: asyncpg.Connection) -> str:
    found: str = await db.fetchval("SELECT plan::text FROM agencies WHERE id = 'agency-123'")
    return found
