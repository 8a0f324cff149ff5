"""generate-ai-content within the agency's plan: never one generation more, in São Paulo's month."""

import asyncio
from datetime import UTC, datetime

import asyncpg
from support.ai import REQUEST
from support.clock import FrozenClock
from support.double import OpenAIDouble
from support.service import Service, running_service

from agenciaos_jobs.settings import Settings


async def test_with_one_generation_left_exactly_one_of_fifty_reaches_the_model(
    settings: Settings, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    await db.execute(
        """INSERT INTO ai_usage (id, "agencyId", "agentType", "tokensUsed", cost, "createdAt")
           SELECT 'app-' || n, 'agency-123', 'META_ADS_COPY', 1, 0, now() AT TIME ZONE 'UTC'
           FROM generate_series(1, 19) n"""
    )
    async with running_service(settings) as service:
        ids = await asyncio.gather(*[service.trigger("ai-content", REQUEST) for _ in range(50)])
        runs = await asyncio.gather(*[service.finished(run_id) for run_id in ids])
    assert sorted(run["status"] for run in runs) == ["COMPLETED", *["FAILED"] * 49]
    assert len(openai_double.requests) == 1
    refused = next(run for run in runs if run["status"] == "FAILED")
    assert (refused["error"]["name"], refused["attemptCount"]) == ("plan_limit_reached", 1)
    details = await db.fetchval("SELECT error -> 'details' FROM jobs.runs WHERE id = $1", refused["id"])
    assert '"limit": 20' in details
    assert '"used": 20' in details
    assert '"resetsAt"' in details


async def test_the_month_is_sao_paulos(settings: Settings, db: asyncpg.Connection):
    settings = settings.model_copy(update={"plans": {"FREE": 1, "PRO": 500}})
    clock = FrozenClock(datetime(2026, 12, 1, 2, 59, tzinfo=UTC))  # still November in São Paulo
    async with running_service(settings, clock=clock) as service:
        assert (await service.outcome("ai-content", REQUEST))["status"] == "COMPLETED"
        refused = await service.outcome("ai-content", REQUEST)
        assert refused["error"]["name"] == "plan_limit_reached"
        clock.set(datetime(2026, 12, 1, 3, 0, tzinfo=UTC))
        assert (await service.outcome("ai-content", REQUEST))["status"] == "COMPLETED"
    details = await db.fetchval("SELECT error #>> '{details,resetsAt}' FROM jobs.runs WHERE id = $1", refused["id"])
    assert details == "2026-12-01T03:00:00+00:00"


async def test_pro_has_its_own_limit(settings: Settings, db: asyncpg.Connection):
    await db.execute("UPDATE agencies SET plan = 'PRO' WHERE id = 'agency-123'")
    limits = {"plans": {"FREE": 0, "PRO": 1}}
    async with running_service(settings.model_copy(update=limits)) as service:
        assert (await service.outcome("ai-content", REQUEST))["status"] == "COMPLETED"
        assert (await service.outcome("ai-content", REQUEST))["error"]["name"] == "plan_limit_reached"


async def test_an_agency_that_is_gone_fails_clearly(service: Service):
    run = await service.outcome("ai-content", {**REQUEST, "agencyId": "gone"})
    assert (run["status"], run["error"]["name"]) == ("FAILED", "agency_not_found")


async def test_an_agency_that_vanishes_while_the_model_writes(
    service: Service, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    openai_double.gate.clear()
    run_id = await service.trigger("ai-content", {**REQUEST, "agencyId": "agency-125"})
    await service.reaches(run_id, lambda _: openai_double.requests)
    await db.execute("DELETE FROM agencies WHERE id = 'agency-125'")
    openai_double.gate.set()
    run = await service.finished(run_id)
    assert run["status"] == "COMPLETED"
    assert await db.fetchval("SELECT count(*) FROM ai_usage") == 0
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_generations") == 1
