"""The stand-in for OpenAI writes long texts in the background, as OpenAI does: queued, in progress, completed."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import asyncpg
import pytest
from aiohttp.test_utils import TestServer
from support.service import running_service

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.background import ResponseNotFoundError
from agenciaos_jobs.ai_content.openai.client import OpenAIModel
from agenciaos_jobs.ai_content.openai.request import Options
from agenciaos_jobs.ai_content.prompt import prompt
from agenciaos_jobs.dev import model
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.settings import Settings

ARTICLE = {"agencyId": "agency-123", "agentType": "BLOG_ARTICLE", "input": {"tema": "Smartphones"}}
REQUEST = prompt(AGENTS["BLOG_ARTICLE"], "Aurora", [], [], {"tema": "Smartphones"})


@pytest.fixture
async def stand_in() -> AsyncIterator[str]:
    async with TestServer(model.create_app(timedelta(seconds=1))) as server:
        yield str(server.make_url("/v1"))


async def test_a_long_text_takes_its_time_and_a_run_waits_for_it(
    settings: Settings, db: asyncpg.Connection, stand_in: str
):
    async with running_service(settings.model_copy(update={"openai_base_url": stand_in})) as service:
        run_id = await service.trigger("ai-content", ARTICLE)
        await service.reaches(run_id, lambda run: run["isWaiting"])
        run = await service.finished(run_id)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    assert AGENTS["BLOG_ARTICLE"].written(AGENTS["BLOG_ARTICLE"].example, {}) == (
        run["output"]["data"],
        run["output"]["content"],
    )
    assert await db.fetchval("SELECT requests FROM jobs.ai_generations") == 1


async def test_its_states_are_openai_s():
    async with TestServer(model.create_app(timedelta(seconds=1))) as server, aiohttp.ClientSession() as http:
        asked = {"background": True, "input": [{"content": "{}"}], "text": {"format": {"name": "blog_article"}}}
        async with http.post(server.make_url("/v1/responses"), json=asked) as answer:
            first = await answer.json()
        seen = [first["status"]]
        while seen[-1] != "completed":
            async with http.get(server.make_url(f"/v1/responses/{first['id']}")) as answer:
                seen += [status] if (status := (await answer.json())["status"]) != seen[-1] else []
    assert seen == ["queued", "in_progress", "completed"]


async def test_a_stream_shows_the_answer_while_it_is_written(stand_in: str):
    writer = OpenAIModel(SystemClock(), api_key="k", base_url=stand_in, options=Options("m"))
    seen: list[str] = []
    try:
        answer = await writer.answer(REQUEST, on_text=seen.append)
    finally:
        await writer.close()
    assert seen[-1] == answer.text
    assert len(seen) > 100
    assert list(json.loads(answer.text)) == list(REQUEST.agent.output["properties"])


async def test_what_is_canceled_is_not_written(stand_in: str):
    writer = OpenAIModel(SystemClock(), api_key="k", base_url=stand_in, options=Options("m"))
    try:
        asked = await writer.submit(REQUEST)
        assert asked.answer is None
        assert await writer.poll(asked.response_id) is None
        withdrawn = await writer.cancel(asked.response_id)
        assert withdrawn
        assert (withdrawn.fault or ("",))[0] == "generation_failed"
        with pytest.raises(ResponseNotFoundError):
            await writer.poll("resp_none")
    finally:
        await writer.close()
