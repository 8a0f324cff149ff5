"""A worker that is killed while it asks OpenAI, or while a response is written: nothing hangs, nothing is lost."""

import json
from pathlib import Path

import asyncpg
import pytest
from support.double import OpenAIDouble
from support.processes import worker
from support.service import running_server

from agenciaos_jobs.settings import Settings

ARTICLE = {"agencyId": "agency-123", "agentType": "BLOG_ARTICLE", "input": {"tema": "Smartphones"}}


@pytest.mark.slow
async def test_a_worker_killed_between_the_request_and_our_commit_costs_a_repeat(
    settings: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble, tmp_path: Path
):
    openai_double.in_background = True
    openai_double.gate.clear()
    async with running_server(settings) as service:
        async with worker(settings, tmp_path) as dying:
            run_id = await service.trigger("ai-content", ARTICLE)
            await service.reaches(run_id, lambda _: openai_double.requests)
            dying.process.kill()
            await dying.ends()
        openai_double.gate.set()
        async with worker(settings, tmp_path) as heir:
            await heir.says("response_id_lost", patience=40)
            asked = json.loads(await heir.says("response_asked_for"))
            openai_double.writes(asked["response_id"])
            run = await service.finished(run_id)
            heir.interrupt(15)
            await heir.ends(30)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
    assert run["attempts"][0]["error"]["name"] == "worker_lost"
    assert await db.fetchval("SELECT count(*) FROM ai_usage WHERE id = $1", run_id) == 1
    assert await db.fetchval("SELECT count(*) FROM jobs.ai_responses WHERE NOT abandoned") == 0


@pytest.mark.slow
async def test_no_worker_is_missed_while_a_response_is_written(
    settings: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble, tmp_path: Path
):
    openai_double.in_background = True
    async with running_server(settings) as service:
        async with worker(settings, tmp_path) as dying:
            run_id = await service.trigger("ai-content", ARTICLE)
            response_id = await openai_double.asked()
            await service.reaches(run_id, lambda run: run["isWaiting"])
            dying.process.kill()
            await dying.ends()
        openai_double.writes(response_id)
        async with worker(settings, tmp_path) as heir:
            run = await service.finished(run_id)
            heir.interrupt(15)
            await heir.ends(30)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    assert len(openai_double.requests) == 1
    assert await db.fetchval("SELECT sum(requests) FROM jobs.ai_generations WHERE run_id = $1", run_id) == 1
