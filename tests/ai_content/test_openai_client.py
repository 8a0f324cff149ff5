"""Our client of OpenAI beside OpenAI's own library: the same requests, and the same read from the answers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agenciaos_jobs.ai_content.openai_client import Malformed, OpenAIClient, Refused, Unreachable
from agenciaos_jobs.dev import model

BODY: dict[str, Any] = {
    "model": "gpt-6-luna",
    "instructions": "Escreva um anúncio.",
    "input": [{"role": "user", "content": "Câmera boa, preço que cabe"}],
    "max_output_tokens": 900,
    "text": {
        "format": {"type": "json_schema", "name": "conversa", "schema": {"type": "object"}, "strict": True},
    },
    "store": False,
}


@dataclass
class Api:
    """Keeps what it is asked, and answers as the stand-in does, or with what it was told to."""

    url: str = ""
    asked: list[tuple[str, str, str, Any]] = field(default_factory=list)
    answers: list[web.StreamResponse | None] = field(default_factory=list)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path, request.headers["Authorization"], body))
        if self.answers:
            answer = self.answers.pop(0)
            if answer is None:
                assert request.transport
                request.transport.close()
                return web.Response()
            return answer
        return web.json_response(model._response(BODY, '{"resposta": "Olá"}'))


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    app = web.Application()
    app.router.add_route("*", "/v1/{path:.*}", api.respond)
    async with TestServer(app) as server:
        api.url = str(server.make_url("/v1"))
        yield api


@pytest.fixture
async def ours(api: Api) -> AsyncIterator[OpenAIClient]:
    client = OpenAIClient("sk-test", api.url)
    yield client
    await client.close()


async def test_it_asks_and_reads_as_openai_s_own_library_does(api: Api, ours: OpenAIClient):
    async with openai.AsyncOpenAI(api_key="sk-test", base_url=api.url, max_retries=0) as library:
        theirs = await library.responses.create(**BODY)
        await library.responses.retrieve("resp_1")
        await library.responses.cancel("resp_1")
        await library.models.retrieve("gpt-6-luna")
    asked_by_library, api.asked = api.asked, []
    response = await ours.create(BODY, 5)
    await ours.retrieve("resp_1", 5)
    await ours.cancel("resp_1", 5)
    await ours.check_model("gpt-6-luna", 5)
    assert api.asked == asked_by_library
    assert theirs.usage
    assert response.usage
    assert (response.text, response.model, response.status) == (theirs.output_text, theirs.model, theirs.status)
    assert response.usage.input_tokens == theirs.usage.input_tokens
    assert response.usage.output_tokens == theirs.usage.output_tokens


async def test_a_refusal_tells_openai_s_code_and_words_where_there_are_any(api: Api, ours: OpenAIClient):
    api.answers = [
        web.json_response({"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}, status=429),
        web.Response(text="<html>bad gateway</html>", status=502),
        web.json_response(["no", "object"], status=500),
    ]
    told = []
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            await ours.create(BODY, 5)
        told.append((refused.value.status, refused.value.code, refused.value.message))
    assert told == [
        (429, "rate_limit_exceeded", "Slow down"),
        (502, "http_502", "http_502"),
        (500, "http_500", "http_500"),
    ]


@pytest.mark.parametrize("body", ["<html>", "[]", '{"id": "r"}', '{"id": "r", "model": "m", "output": [7]}'])
async def test_what_is_no_response_is_malformed_and_not_repeated_in_the_error(api: Api, ours: OpenAIClient, body: str):
    api.answers = [web.Response(text=body)]
    with pytest.raises(Malformed) as malformed:
        await ours.create(BODY, 5)
    assert body not in str(malformed.value)


async def test_a_line_that_breaks_and_an_answer_that_does_not_come(api: Api, ours: OpenAIClient):
    api.answers = [None]
    with pytest.raises(Unreachable):
        await ours.create(BODY, 5)

    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hang)
    async with TestServer(app) as server:
        slow = OpenAIClient("sk-test", str(server.make_url("/v1")))
        with pytest.raises(TimeoutError):
            await slow.create(BODY, 0.05)
        await slow.close()
