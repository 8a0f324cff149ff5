"""OpenAI's limits and outages: runs wait without a slot or an attempt, and go on by themselves."""

import asyncio

import asyncpg
import pytest
from aiohttp import web
from support.ai import REQUEST
from support.alerting import look_now, raised
from support.background import ARTICLE, announce, announced, bills, polling, waits
from support.browsing import operator
from support.double import OpenAIDouble
from support.service import Service, running_service

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.alerts import AI_DOWN
from agenciaos_jobs.engine.pacing import brake
from agenciaos_jobs.settings import Settings

__all__ = ["announced", "polling"]

COPY = AGENTS["META_ADS_COPY"].example
SOON = {"retry-after-ms": "100"}


@pytest.mark.slow
async def test_runs_that_are_refused_for_a_limit_wait_and_none_fails(service: Service, openai_double: OpenAIDouble):
    for _ in range(8):
        openai_double.fails(429, "rate_limit_exceeded", SOON)
    ids = await asyncio.gather(*[service.trigger("ai-content", REQUEST) for _ in range(12)])
    runs = await asyncio.gather(*[service.finished(run_id) for run_id in ids])
    assert {(run["status"], run["attemptCount"]) for run in runs} == {("COMPLETED", 1)}
    assert len(openai_double.requests) == 20


async def test_a_run_that_waits_says_why_and_holds_no_slot(
    settings: Settings, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    openai_double.fails(429, "rate_limit_exceeded", {"retry-after": "60"})
    async with running_service(settings.model_copy(update={"worker_max_jobs": 1})) as service:
        run_id = await service.trigger("ai-content", REQUEST)
        run = await service.reaches(run_id, lambda run: "waitingFor" in run)
        assert (run["status"], run["isQueued"], run["isWaiting"]) == ("QUEUED", True, False)
        assert run["waitingFor"]["reason"] == "Limite de uso da OpenAI"
        _, english = await service.get(f"/api/v3/runs/{run_id}", **{"Accept-Language": "en"})
        assert english["waitingFor"]["reason"] == "OpenAI's rate limit"
        async with operator(service) as browser:
            assert "Limite de uso da OpenAI" in (await browser.get(f"/runs/{run_id}"))[1]
        report = await service.outcome("monthly-report")
        assert report["status"] == "COMPLETED"
        await service.http.post(f"/api/v2/runs/{run_id}/cancel")
        assert "waitingFor" not in await service.finished(run_id)
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_reservations") == 0


async def test_what_was_paid_for_before_a_wait_is_not_asked_again(
    service: Service, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    openai_double.says({**COPY, "headlines": ["x" * 47] * 3})
    openai_double.fails(429, "rate_limit_exceeded", SOON)
    openai_double.says({"headlines": COPY["headlines"]})
    run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["attemptCount"], run["output"]["data"]) == ("COMPLETED", 1, COPY)
    assert len(openai_double.requests) == 3
    assert await bills(db) == [("completed", None, 2)]
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_responses") == 0


async def test_a_wait_has_a_limit_which_is_named(
    settings: Settings, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    openai_double.says({**COPY, "headlines": ["x" * 47] * 3})
    openai_double.fails(429, "rate_limit_exceeded", {"retry-after": "60"})
    async with running_service(settings.model_copy(update={"ai_wait_limit": 0.02})) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["error"]["name"], run["attemptCount"]) == ("FAILED", "ai_wait_limit_reached", 1)
    assert "AI_WAIT_LIMIT" in run["attempts"][0]["error"]["message"]
    assert run["error"]["message"].startswith("O serviço de IA não atendeu ao pedido.")
    assert await bills(db) == [("failed", "ai_wait_limit_reached", 1)]
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_reservations") == 0


@pytest.mark.slow
async def test_in_an_outage_no_run_fails_and_one_probes(
    settings: Settings, openai_double: OpenAIDouble, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(brake, "PROBE_INTERVAL", brake.timedelta(seconds=1))
    openai_double.is_down = True
    async with running_service(settings) as service:
        ids = [await service.trigger("ai-content", REQUEST) for _ in range(6)]
        for run_id in ids:
            run = await service.reaches(run_id, lambda run: "waitingFor" in run)
            assert run["waitingFor"]["reason"] == "OpenAI fora do ar"
        await look_now(db)
        alert = await raised(db, AI_DOWN)
        assert alert["key"] == "gpt-6-luna"
        openai_double.is_down = False
        runs = [await service.finished(run_id) for run_id in ids]
        await look_now(db)
        async with asyncio.timeout(20):
            while await db.fetchval("SELECT ended_at IS NULL FROM jobs.alerts WHERE kind = $1", AI_DOWN):
                await asyncio.sleep(0.05)
    assert {run["status"] for run in runs} == {"COMPLETED"}


async def test_a_background_response_that_fails_for_a_limit_is_asked_for_again(
    announced: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    limited = {"code": "rate_limit_exceeded", "message": "Slow down"}
    async with running_service(announced) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        first = await openai_double.asked()
        await waits(service, run_id)
        openai_double.writes(first, status="failed", output=[], usage=None, error=limited)
        await announce(service, first, "response.failed")
        second = await openai_double.asked(2)
        await waits(service, run_id)
        openai_double.writes(second)
        await announce(service, second)
        run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    assert await bills(db) == [("completed", None, 1)]


async def test_an_account_without_stored_responses_is_asked_in_the_foreground_from_then_on(
    polling: Settings, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    refusal = {"message": "Zero data retention organizations can't use it", "code": None, "param": "background"}
    openai_double._script.append(web.json_response({"error": refusal}, status=400))
    async with running_service(polling) as service:
        runs = [await service.outcome("ai-content", ARTICLE) for _ in range(2)]
    assert [(run["status"], run["attemptCount"]) for run in runs] == [("COMPLETED", 1)] * 2
    assert [(asked.get("background"), asked["store"]) for asked in openai_double.requests] == [
        (True, True),
        (None, False),
        (None, False),
    ]
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_responses") == 0


async def test_foreground_runs_have_five_minutes_and_long_ones_more(service: Service, db: asyncpg.Connection):
    for request, seconds in ((REQUEST, 300), (ARTICLE, 900)):
        run_id = await service.trigger("ai-content", request)
        assert await db.fetchval("SELECT max_duration FROM jobs.runs WHERE id = $1", run_id) == seconds
        await service.finished(run_id)
