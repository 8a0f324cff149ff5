"""``stream: true``: the Markdown of an answer reaches its readers while the model writes it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from llmock.pytest_plugin import LLMock
from support.ai import REQUEST
from support.background import ARTICLE
from support.double import OpenAIDouble
from support.node import SDK_LINES, needs_node, run_node
from support.service import Service, running_server, running_service, running_worker

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.settings import Settings

STREAMED = {**REQUEST, "stream": True}
COPY = AGENTS["META_ADS_COPY"]
MARKDOWN = COPY.markdown(COPY.example)


@asynccontextmanager
async def chunks_of(service: Service, run_id: str) -> AsyncIterator[AsyncIterator[Any]]:
    async with service.http.get(f"/realtime/v1/streams/{run_id}/content") as response:
        yield (json.loads(line[6:]) async for line in response.content if line.startswith(b"data: "))


async def texts(service: Service, run_id: str) -> list[str]:
    """The texts of a run's stream, each of which begins with ``null``."""
    texts: list[str] = []
    async with asyncio.timeout(20), chunks_of(service, run_id) as chunks:
        async for chunk in chunks:
            if chunk is None:
                texts.append("")
            else:
                texts[-1] += chunk
    return texts


async def bill(db: asyncpg.Connection, run_id: str) -> dict[str, Any]:
    columns = "model, input_tokens, output_tokens, cost, requests, status, error_code"
    return dict(await db.fetchrow(f"SELECT {columns} FROM jobs.ai_generations WHERE run_id = $1", run_id))


async def test_text_is_read_while_the_model_still_writes(service: Service, openai_double: OpenAIDouble):
    openai_double.stream.holds_at(0.5)
    run_id = await service.trigger("ai-content", STREAMED)
    async with asyncio.timeout(20), chunks_of(service, run_id) as chunks:
        assert await anext(chunks) is None
        text = await anext(chunks)
        while "1. " not in text:
            text += await anext(chunks)
        assert MARKDOWN.startswith(text)
        assert (await service.run(run_id))["status"] == "EXECUTING"
        openai_double.stream.may_go_on.set()
        async for chunk in chunks:
            text += chunk
    run = await service.run(run_id)
    assert (run["status"], run["output"]["content"]) == ("COMPLETED", MARKDOWN)
    assert text == MARKDOWN
    assert openai_double.requests[0]["stream"] is True


async def test_output_usage_and_cost_are_those_of_a_run_without_stream(
    service: Service, openai_double: OpenAIDouble, db: asyncpg.Connection
):
    usage = {"input_tokens": 900, "output_tokens": 700, "input_tokens_details": {"cached_tokens": 100}}
    for _ in range(2):
        openai_double.says(COPY.example, usage=usage)
    plain, streamed = [await service.outcome("ai-content", payload) for payload in (REQUEST, STREAMED)]
    assert streamed["output"] == plain["output"]
    assert await bill(db, streamed["id"]) == await bill(db, plain["id"])
    assert len(await texts(service, streamed["id"])) == 1
    assert await texts(service, plain["id"]) == []
    first, second = openai_double.requests
    assert "stream" not in first
    assert {**second, "text": None, "metadata": None} == {**first, "stream": True, "text": None, "metadata": None}


RESET = None


@pytest.mark.parametrize(("ending", "code"), [(RESET, "upstream_unreachable"), (b"", "upstream_malformed")])
async def test_a_stream_that_breaks_off_is_tried_again_and_its_text_replaced(
    service: Service, openai_double: OpenAIDouble, db: asyncpg.Connection, ending: bytes | None, code: str
):
    openai_double.stream.breaks_at(0.5, ending)
    run = await service.outcome("ai-content", STREAMED)
    assert (run["status"], run["attemptCount"], run["output"]["content"]) == ("COMPLETED", 2, MARKDOWN)
    assert run["attempts"][0]["error"]["name"] == code
    broken, whole = await texts(service, run["id"])
    assert MARKDOWN.startswith(broken)
    assert whole == MARKDOWN
    assert (await bill(db, run["id"]))["requests"] == 1


async def test_a_server_that_does_not_stream_is_read_as_before(service: Service, openai_double: OpenAIDouble):
    openai_double.stream.is_supported = False
    run = await service.outcome("ai-content", STREAMED)
    assert (run["status"], len(openai_double.requests)) == ("COMPLETED", 1)
    assert await texts(service, run["id"]) == [MARKDOWN]


async def test_a_corrected_answer_replaces_the_text_that_was_shown(service: Service, openai_double: OpenAIDouble):
    wrong = {**COPY.example, "headlines": ["x" * 47, *COPY.example["headlines"][1:]]}
    openai_double.says(wrong)
    openai_double.says({"headlines": COPY.example["headlines"]})
    run = await service.outcome("ai-content", STREAMED)
    first, last = await texts(service, run["id"])
    assert COPY.markdown(wrong).startswith(first)
    assert last == run["output"]["content"] == MARKDOWN
    assert [asked.get("stream", False) for asked in openai_double.requests] == [True, False]


async def test_an_answer_that_was_cut_off_is_streamed_anew(service: Service, openai_double: OpenAIDouble):
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    openai_double.says(json.dumps(COPY.example)[:300], **cut)
    run = await service.outcome("ai-content", STREAMED)
    first, last = await texts(service, run["id"])
    assert (run["status"], last) == ("COMPLETED", MARKDOWN)
    assert MARKDOWN.startswith(first)


async def test_a_canceled_run_leaves_its_stream(service: Service, openai_double: OpenAIDouble):
    openai_double.stream.holds_at(0.5)
    run_id = await service.trigger("ai-content", STREAMED)
    async with asyncio.timeout(20), chunks_of(service, run_id) as chunks:
        await anext(chunks)
        assert (await service.post(f"/api/v2/runs/{run_id}/cancel", {}))[0] == 200
        await openai_double.stream.reader_left.wait()
        shown = "".join([chunk async for chunk in chunks])
    assert (await service.run(run_id))["status"] == "CANCELED"
    assert MARKDOWN.startswith(shown)


async def test_a_run_that_its_worker_hands_back_begins_its_text_anew(settings: Settings, openai_double: OpenAIDouble):
    openai_double.stream.holds_at(0.5)
    async with running_server(settings) as service:
        async with running_worker(settings):
            run_id = await service.trigger("ai-content", STREAMED)
            async with asyncio.timeout(20), chunks_of(service, run_id) as chunks:
                await anext(chunks)
        await openai_double.stream.reader_left.wait()
        async with running_worker(settings):
            run = await service.finished(run_id)
            assert (run["status"], run["attemptCount"]) == ("COMPLETED", 1)
            assert (await texts(service, run_id))[-1] == MARKDOWN


async def test_a_text_written_in_the_background_comes_at_once_at_the_end(
    polling: Settings, openai_double: OpenAIDouble
):
    async with running_service(polling) as service:
        run_id = await service.trigger("ai-content", {**ARTICLE, "stream": True})
        openai_double.writes(await openai_double.asked())
        run = await service.finished(run_id)
        assert await texts(service, run_id) == [run["output"]["content"]]
    assert "stream" not in openai_double.requests[0]


async def test_a_long_text_is_streamed_where_it_is_written_in_the_foreground(
    settings: Settings, openai_double: OpenAIDouble
):
    async with running_service(settings.model_copy(update={"openai_background": False})) as service:
        run = await service.outcome("ai-content", {**ARTICLE, "stream": True})
        assert await texts(service, run["id"]) == [run["output"]["content"]]
    assert openai_double.requests[0]["stream"] is True


async def test_llmock_streams(settings: Settings, llmock: LLMock):
    llmock.truncate(after_chunks=5).reply(json.dumps(COPY.example)).reply(json.dumps(COPY.example))
    on_llmock = {"openai_base_url": llmock.base_url("openai"), "openai_model": "gpt-4o-mini"}
    async with running_service(settings.model_copy(update=on_llmock)) as service:
        run = await service.outcome("ai-content", STREAMED)
        assert (run["status"], run["attemptCount"]) == ("COMPLETED", 2)
        assert (await texts(service, run["id"]))[-1] == MARKDOWN


@needs_node
@pytest.mark.parametrize("line", SDK_LINES)
async def test_the_sdks_show_the_text_as_the_documents_have_it(service: Service, line: str):
    run = await service.outcome("ai-content", STREAMED)
    seen = await run_node(service, "ai_content.mjs", line, run["id"])
    assert seen["text"] == seen["joined"] == MARKDOWN
    assert seen["texts"] == 1
