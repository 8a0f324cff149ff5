"""A scriptable server that speaks OpenAI's Responses API: it answers what a test tells it to."""

import asyncio
import json
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.dev import model


class StreamScript:
    """How streamed responses are sent: whole, unless something was scripted."""

    def __init__(self) -> None:
        self.is_supported = True
        self.may_go_on = asyncio.Event()
        self.reader_left = asyncio.Event()
        self._holds_at: float | None = None
        self._breaks_at: float | None = None
        self._ending = b""

    def holds_at(self, part: float) -> None:
        """The next stream pauses after this part of its events, until ``may_go_on``."""
        self._holds_at = part

    def breaks_at(self, part: float, ending: bytes | None = b"") -> None:
        """The next stream breaks off after this part of its events: with these bytes, or ``None`` for a reset."""
        self._breaks_at, self._ending = part, ending

    async def send(self, request: web.Request, whole: dict[str, Any]) -> web.StreamResponse:
        events = list(model.events_of(whole))
        held = None if self._holds_at is None else int(self._holds_at * len(events))
        broken = None if self._breaks_at is None else int(self._breaks_at * len(events))
        ending, self._holds_at, self._breaks_at = self._ending, None, None
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for number, event in enumerate(events):
            if number == held:
                await self._pause()
            if number == broken:
                if ending is None:
                    request.transport.abort()
                else:
                    await response.write(ending)
                break
            await response.write(event)
        return response

    async def _pause(self) -> None:
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            self.reader_left.set()
            raise


class OpenAIDouble:
    """Answers with the agent's example, unless something was scripted. ``requests`` are the bodies that came."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.calls: list[web.Request] = []
        self._script: list[Any] = []
        self.in_background = self.is_down = False
        self.responses: dict[str, dict[str, Any]] = {}
        self.canceled: list[str] = []
        self.looks = 0
        self.trouble: list[web.Response] = []
        self.news = asyncio.Condition()
        self.gate = asyncio.Event()
        self.gate.set()
        self.stream = StreamScript()
        app = web.Application()
        app.router.add_post("/v1/responses", self._respond)
        app.router.add_get("/v1/responses/{id}", self._retrieve)
        app.router.add_post("/v1/responses/{id}/cancel", self._cancel)
        app.router.add_get("/v1/models/{name}", self._model)
        self._server = TestServer(app)

    async def start(self) -> None:
        await self._server.start_server()

    async def stop(self) -> None:
        self.gate.set()
        self.stream.may_go_on.set()
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

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.requests.append(asked)
        self.calls.append(request)
        await self.gate.wait()
        if self.is_down:
            return web.json_response({"error": {"message": "down"}}, status=503, headers={"retry-after": "0"})
        if not self._script:
            agent = AGENTS[asked["text"]["format"]["name"].upper()]
            text = json.dumps(model.in_order_of(asked, model.answer_to(asked, agent)))
            return await self._answer(request, asked, model._response(asked, text))
        step = self._script.pop(0)
        if isinstance(step, web.Response):
            return step
        text, changes = step
        return await self._answer(request, asked, {**model._response(asked, text), **changes})

    async def _answer(self, request: web.Request, asked: dict[str, Any], whole: dict[str, Any]) -> web.StreamResponse:
        if asked.get("stream") and self.stream.is_supported:
            return await self.stream.send(request, whole)
        if not (self.in_background and asked.get("background")):
            return web.json_response(whole)
        assert asked["store"] is True, "the API refuses background=true with store=false"
        pending = {**whole, "status": "queued", "output": [], "usage": None}
        self.responses[whole["id"]] = {"now": pending, "later": whole}
        async with self.news:
            self.news.notify_all()
        return web.json_response(pending)

    async def asked(self, number: int = 1) -> str:
        """The id of background response ``number``, once it was asked for."""
        async with asyncio.timeout(20), self.news:
            await self.news.wait_for(lambda: len(self.responses) >= number)
        return list(self.responses)[number - 1]

    def writes(self, response_id: str, **changes: Any) -> None:
        """The model is through with a response."""
        held = self.responses[response_id]
        held["now"] = {**held["later"], **changes}

    def forgets(self, response_id: str) -> None:
        del self.responses[response_id]["now"]

    async def _retrieve(self, request: web.Request) -> web.Response:
        self.looks += 1
        if self.trouble:
            return self.trouble.pop(0)
        held = self.responses.get(request.match_info["id"], {})
        if "now" not in held:
            return web.json_response({"error": {"message": "no such response", "code": None}}, status=404)
        return web.json_response(held["now"])

    async def _cancel(self, request: web.Request) -> web.Response:
        held = self.responses[request.match_info["id"]]
        if "now" not in held:
            return web.json_response({"error": {"message": "no such response", "code": None}}, status=404)
        if held["now"]["status"] not in {"queued", "in_progress"}:
            return web.json_response({"error": {"message": "already ended", "code": None}}, status=400)
        held["now"] = {**held["now"], "status": "cancelled"}
        async with self.news:
            self.canceled.append(request.match_info["id"])
            self.news.notify_all()
        return web.json_response(held["now"])

    async def cancels(self, response_id: str) -> None:
        """Waits until a response has been canceled."""
        async with asyncio.timeout(20), self.news:
            await self.news.wait_for(lambda: response_id in self.canceled)

    async def _model(self, request: web.Request) -> web.Response:
        if "bad" in request.headers["Authorization"]:
            return web.json_response({"error": {"message": "no", "code": "invalid_api_key"}}, status=401)
        return web.json_response({"id": request.match_info["name"], "object": "model", "created": 0, "owned_by": "x"})
