"""OpenAI's wire, spoken by llmock: what passes is retried after the wait it asks for, what won't is not."""

import asyncpg
import pytest
from llmock.pytest_plugin import LLMock
from support.service import running_service

from agenciaos_jobs.settings import Settings

REQUEST = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}


@pytest.fixture
def on_llmock(settings: Settings, llmock: LLMock) -> Settings:
    return settings.model_copy(update={"openai_base_url": llmock.base_url("openai"), "openai_model": "gpt-4o-mini"})


def answer() -> str:
    import json

    from agenciaos_jobs.ai_content.agents import AGENTS

    return json.dumps(AGENTS["META_ADS_COPY"].example)


async def test_a_plain_answer(on_llmock: Settings, llmock: LLMock):
    llmock.reply(answer())
    async with running_service(on_llmock) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert run["status"] == "COMPLETED"
    assert len(llmock.requests) == 1
    llmock.assert_resilient(strict=True)


async def test_429_is_retried_when_retry_after_has_passed(on_llmock: Settings, llmock: LLMock):
    llmock.rate_limit(times=1, retry_after=1).reply(answer())
    async with running_service(on_llmock) as service:
        run = await service.outcome("ai-content", REQUEST)
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
    assert run["attempts"][0]["error"]["message"].startswith("OpenAI answered 429")
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
    assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
    assert run["attempts"][0]["error"]["name"] == "output_not_json"
    assert await db.fetchval("SELECT count(*) FROM ai_usage") == 1
