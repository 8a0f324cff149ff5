"""A scriptable server that speaks OpenAI's Responses API: it answers what a test tells it to."""

import asyncio
import json
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from agenciaos_jobs.dev import model
from agenciaos_jobs.jobs.agents import AGENTS


class OpenAIDouble:
    """Answers with the agent's example, unless something was scripted. ``requests`` are the bodies that came."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self._script: list[Any] = []
        self.gate = asyncio.Event()
        self.gate.set()
        app = web.Application()
        app.router.add_post("/v1/responses", self._respond)
        app.router.add_get("/v1/models/{name}", self._model)
        self._server = TestServer(app)

    async def start(self) -> None:
        await self._server.start_server()

    async def stop(self) -> None:
        self.gate.set()
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("/v1"))

    def says(self, content: Any, **changes: Any) -> None:
        """The next answer: this content, as JSON unless it is text; ``changes`` replace parts of the response."""
        text = content if isinstance(content, str) else json.dumps(content)
        self._script.append((text, changes))

    def fails(self, status: int, code: str | None = None, headers: dict[str, str] | None = None) -> None:
        """The next answer: an error."""
        body = {"error": {"message": "scripted", "type": "error", "code": code}}
        self._script.append(web.json_response(body, status=status, headers=headers))

    def sends(self, body: str, content_type: str = "application/json") -> None:
        """The next answer: this very body with status 200."""
        self._script.append(web.Response(text=body, content_type=content_type))

    async def _respond(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.requests.append(asked)
        await self.gate.wait()
        if not self._script:
            agent = AGENTS[asked["text"]["format"]["name"].upper()]
            return web.json_response(model._response(asked, json.dumps(agent.example)))
        step = self._script.pop(0)
        if isinstance(step, web.Response):
            return step
        text, changes = step
        return web.json_response({**model._response(asked, text), **changes})

    async def _model(self, request: web.Request) -> web.Response:
        if "bad" in request.headers["Authorization"]:
            return web.json_response({"error": {"message": "no", "code": "invalid_api_key"}}, status=401)
        return web.json_response({"id": request.match_info["name"], "object": "model", "created": 0, "owned_by": "x"})
