"""Answers that OpenAI makes in the background."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from agenciaos_jobs.settings import Settings
from support.double import OpenAIDouble
from support.service import Service

SECRET = "whsec_c2VncmVkbyBkZSB0ZXN0ZSBkYSBvcGVuYWk="


OLD_SECRET = "whsec_c2VncmVkbyBhbnRlcmlvciBkYSBvcGVuYWk="


ARTICLE = {
    "agencyId": "agency-123",
    "agentType": "BLOG_ARTICLE",
    "input": {"tema": "Smartphones"},
    "userId": "user-456",
}


@pytest.fixture
def polling(settings: Settings, openai_double: OpenAIDouble) -> Settings:
    openai_double.in_background = True
    return settings


@pytest.fixture
def announced(polling: Settings) -> Settings:
    secrets = {"openai_webhook_secret": SecretStr(SECRET), "openai_webhook_secret_previous": SecretStr(OLD_SECRET)}
    return polling.model_copy(update={**secrets, "worker_max_jobs": 1})


async def announce(
    service: Service, response_id: str, kind: str = "response.completed", secret: str = SECRET, **changes: str
) -> tuple[int, dict[str, Any]]:
    event = {"id": "evt_1", "object": "event", "created_at": 1, "type": kind, "data": {"id": response_id}}
    body, now = json.dumps(event), datetime.now(UTC)
    headers = {
        "webhook-id": "wh_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("wh_1", now, body),
        "Content-Type": "application/json",
        "Authorization": "",
        **changes,
    }
    async with service.http.post("/webhooks/openai", data=body, headers=headers) as response:
        return response.status, await response.json()


async def waits(service: Service, run_id: str) -> dict[str, Any]:
    return await service.reaches(run_id, lambda run: run["isWaiting"])


async def bills(db: asyncpg.Connection) -> list[tuple[str, str | None, int]]:
    rows = await db.fetch("SELECT status, error_code, requests FROM jobs.ai_generations ORDER BY attempt")
    return [tuple(row) for row in rows]


async def settled(service: Service, db: asyncpg.Connection, run_id: str) -> None:
    """Nothing is left of what the run had asked for."""
    await service.reaches(run_id, lambda run: run["isCompleted"])
    async with asyncio.timeout(20):
        while await db.fetchval("SELECT count(*) FROM jobs.ai_responses"):
            await asyncio.sleep(0.05)
