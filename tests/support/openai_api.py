"""A server that keeps what OpenAI is asked, and a model that asks it, without the service around."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.openai.client import OpenAIModel
from agenciaos_jobs.ai_content.openai.request import Options
from agenciaos_jobs.ai_content.prompt import Prompt, prompt
from agenciaos_jobs.dev import model as stand_in
from agenciaos_jobs.foundation.clock import SystemClock

KEY = "sk-test-0123456789"
Answerer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Api:
    """Keeps what it is asked, and answers as the stand-in does, or with what it was told to."""

    url: str = ""
    asked: list[web.Request] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    answers: list[web.StreamResponse | Answerer] = field(default_factory=list)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(await request.json() if request.can_read_body else None)
        if not self.answers:
            whole = stand_in._response({"model": "gpt-6-luna"}, '{"resposta": "Olá"}')
            return web.json_response(whole, headers={"x-request-id": "req_1"})
        answer = self.answers.pop(0)
        return answer if isinstance(answer, web.StreamResponse) else await answer(request)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.respond)
    async with TestServer(app) as server:
        api.url = str(server.make_url("/v1"))
        yield api


@pytest.fixture
async def model(api: Api) -> AsyncIterator[OpenAIModel]:
    model = model_at(api.url)
    yield model
    await model.close()


def model_at(url: str, options: Options = Options("gpt-6-luna"), **others: str) -> OpenAIModel:  # noqa: B008
    return OpenAIModel(SystemClock(), api_key=KEY, base_url=url, options=options, **others)


def question() -> Prompt:
    return prompt(AGENTS["META_ADS_COPY"], "Agência Aurora", ["Café"], [], {"produto": "Câmera boa, preço que cabe"})


def error(status: int, headers: dict[str, str] | None = None, **told: Any) -> web.Response:
    return web.json_response({"error": told}, status=status, headers={"x-request-id": "req_7", **(headers or {})})
