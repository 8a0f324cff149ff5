"""Answers in OpenAI's background that are lost, late or failed: the run goes on, and is billed once."""

import asyncpg
from aiohttp import web
from support.background import ARTICLE, announce, announced, bills, polling, settled, waits
from support.double import OpenAIDouble
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.settings import Settings

__all__ = ["announced", "polling"]


async def test_a_response_id_that_was_lost_costs_a_repeat(
    polling: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    async with running_server(polling) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        await db.execute(
            """INSERT INTO jobs.ai_responses (run_id, attempt, round, agency_id, agent_type, asked_at)
               VALUES ($1, 1, 1, 'agency-123', 'BLOG_ARTICLE', now() - interval '10 minutes')""",
            run_id,
        )
        async with running_worker(polling):
            openai_double.writes(await openai_double.asked())
            run = await service.finished(run_id)
            await settled(service, db, run_id)
    assert run["status"] == "COMPLETED"
    assert await bills(db) == [("completed", None, 1)]


async def test_trouble_while_looking_costs_no_attempt_and_a_response_that_is_gone_costs_one(
    announced: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    headers = {"retry-after-ms": "50"}
    openai_double.trouble = [web.json_response({"error": {"message": "busy"}}, status=503, headers=headers)]
    async with running_service(announced) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        response_id = await openai_double.asked()
        await waits(service, run_id)
        openai_double.forgets(response_id)
        await announce(service, response_id)
        again = await openai_double.asked(2)
        await waits(service, run_id)
        openai_double.writes(again)
        await announce(service, again)
        run = await service.finished(run_id)
        await settled(service, db, run_id)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
    assert run["attempts"][0]["error"]["name"] == "response_gone"
    assert openai_double.looks >= 3
    assert await bills(db) == [("completed", None, 1)]


async def test_a_failed_response_is_tried_again(
    announced: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    async with running_service(announced) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        for number, changes in enumerate([{"status": "failed", "output": [], "usage": None}, {}], 1):
            response_id = await openai_double.asked(number)
            await waits(service, run_id)
            openai_double.writes(response_id, **changes)
            await announce(service, response_id, "response.failed" if changes else "response.completed")
        run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
    assert await bills(db) == [("failed", "generation_failed", 1), ("completed", None, 1)]
