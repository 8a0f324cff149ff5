"""OpenAI's wire, spoken by llmock: what passes is retried after the wait it asks for, what won't is not."""

import json

import asyncpg
import pytest
from llmock.pytest_plugin import LLMock
from support.service import running_service

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.settings import Settings

REQUEST = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}


@pytest.fixture
def on_llmock(settings: Settings, llmock: LLMock) -> Settings:
    return settings.model_copy(update={"openai_base_url": llmock.base_url("openai"), "openai_model": "gpt-4o-mini"})


def answer(agent: str = "META_ADS_COPY") -> str:
    return json.dumps(AGENTS[agent].example)


@pytest.mark.parametrize("agent", ["META_ADS_COPY", "INSTAGRAM_CAPTION", "BLOG_ARTICLE"])
async def test_agents_of_several_families_complete(on_llmock: Settings, llmock: LLMock, agent: str):
    llmock.reply(answer(agent))
    async with running_service(on_llmock) as service:
        form = AGENTS[agent].example_input
        run = await service.outcome("ai-content", {**REQUEST, "agentType": agent, "input": form})
    assert run["status"] == "COMPLETED"
    assert run["output"]["data"].keys() >= AGENTS[agent].example.keys()


async def test_a_plain_answer(on_llmock: Settings, llmock: LLMock):
    llmock.reply(answer())
    async with running_service(on_llmock) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert run["status"] == "COMPLETED"
    assert len(llmock.requests) == 1
    llmock.assert_resilient(strict=True)


async def test_429_is_waited_for_until_retry_after_has_passed(on_llmock: Settings, llmock: LLMock):
    llmock.rate_limit(times=1, retry_after=1).reply(answer())
    async with running_service(on_llmock) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    llmock.assert_resilient()


async def test_500_is_retried_with_backoff(on_llmock: Settings, llmock: LLMock):
    llmock.fail(500).reply(answer())
    async with running_service(on_llmock) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
    llmock.assert_resilient()


async def test_400_is_not_retried(on_llmock: Settings, llmock: LLMock):
    llmock.fail(400, code="context_length_exceeded")
    async with running_service(on_llmock) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["attemptCount"]) == ("FAILED", 1)
    assert run["error"]["name"] == "openai_context_length_exceeded"
    assert len(llmock.requests) == 1
    llmock.assert_resilient()


async def test_an_answer_that_is_not_what_was_asked_for(on_llmock: Settings, llmock: LLMock, db: asyncpg.Connection):
    llmock.reply("as prose, not JSON").reply(answer())
    async with running_service(on_llmock) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
    assert len(llmock.requests) == 2
    assert await db.fetchval("SELECT count(*) FROM ai_usage") == 1
