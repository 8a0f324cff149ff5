"""A stand-in for OpenAI: the Responses API, which answers each agent with the example from its file.

``python -m agenciaos_jobs.dev.model PORT`` serves it on 127.0.0.1. Every example states that it is one. A background
response is queued at first, then in progress, and completed after some seconds; a streamed one takes as long.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from agenciaos_jobs.ai_content.agents import AGENTS, Agent, add_folder
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.settings import Settings

_CLOCK = SystemClock()
_TOKENS_PER_CHARACTER = 0.25
_QUEUED, _WRITTEN = 0.2, 1.0
_PIECE = 8
"""Characters of one delta."""
_UNFINISHED = {"queued", "in_progress"}


@dataclass
class Background:
    """A background response, and the time of its request."""

    whole: dict[str, Any]
    asked_at: datetime
    is_canceled: bool = False

    def at(self, now: datetime, time: timedelta) -> dict[str, Any]:
        """The response at ``now``, if generating it takes ``time``."""
        part = (now - self.asked_at) / time
        if self.is_canceled:
            status = "cancelled"
        else:
            status = "queued" if part < _QUEUED else "in_progress" if part < _WRITTEN else "completed"
        return self.whole if status == "completed" else {**self.whole, "status": status, "output": [], "usage": None}


_STORED = web.AppKey("stored", dict[str, Background])
_WRITING = web.AppKey("writing", timedelta)


async def respond(request: web.Request) -> web.StreamResponse:
    """``POST /v1/responses`` (https://platform.openai.com/docs/api-reference/responses/object)."""
    asked = await request.json()
    name = str(asked.get("text", {}).get("format", {}).get("name", "")).upper()
    agent = AGENTS.get(name)
    if agent is None:
        error = {"message": f"the stand-in knows no format {name!r}", "type": "invalid_request_error", "code": None}
        return web.json_response({"error": error}, status=400)
    whole = _response(asked, json.dumps(in_order_of(asked, answer_to(asked, agent)), ensure_ascii=False))
    if asked.get("stream"):
        return await _stream(request, whole)
    if not asked.get("background"):
        return web.json_response(whole)
    stored = request.app[_STORED][whole["id"]] = Background(whole, _CLOCK.now())
    return _shown(request, stored)


def answer_to(asked: dict[str, Any], agent: Agent) -> dict[str, Any]:
    """The agent's example; for a variation the present text with its first word last, which breaks no limit."""
    if '"variacao"' not in (data := str(asked["input"][0]["content"])):
        return agent.example
    first, _, rest = json.loads(data)["variacao"]["texto_atual"].partition(" ")
    return {"texto": f"{rest} {first}" if rest else f"{first[:-1]}a"}


def in_order_of(asked: dict[str, Any], answer: Any) -> Any:
    """An answer with its fields in the order of the schema that was asked for, as a model writes them."""
    return _in_order(asked["text"]["format"].get("schema", {}), answer)


def _in_order(schema: dict[str, Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_in_order(schema.get("items", {}), item) for item in value]
    if not isinstance(value, dict):
        return value
    schemas = schema.get("properties", {})
    names = [name for name in schemas if name in value] + [name for name in value if name not in schemas]
    return {name: _in_order(schemas.get(name, {}), value[name]) for name in names}


def events_of(whole: dict[str, Any]) -> Iterator[bytes]:
    """A streamed response's events (https://platform.openai.com/docs/api-reference/responses-streaming)."""
    pending = {**whole, "status": "in_progress", "output": [], "usage": None}
    part = {"item_id": "msg", "output_index": 0, "content_index": 0}
    events: list[tuple[str, dict[str, Any]]] = [(name, {"response": pending}) for name in ("created", "in_progress")]
    contents = [content for item in whole["output"] if item["type"] == "message" for content in item["content"]]
    for text in (content["text"] for content in contents if content["type"] == "output_text"):
        pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
        events += [("output_text.delta", {**part, "delta": piece, "logprobs": []}) for piece in pieces]
        events.append(("output_text.done", {**part, "text": text, "logprobs": []}))
    events.append((whole["status"], {"response": whole}))
    for number, (name, values) in enumerate(events):
        event = {"type": f"response.{name}", "sequence_number": number, **values}
        yield f"event: response.{name}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


async def _stream(request: web.Request, whole: dict[str, Any]) -> web.StreamResponse:
    events = list(events_of(whole))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(event)
        await asyncio.sleep(request.app[_WRITING].total_seconds() / len(events))
    return response


async def retrieve(request: web.Request) -> web.Response:
    """``GET /v1/responses/{id}``."""
    return _shown(request, _stored(request))


async def cancel(request: web.Request) -> web.Response:
    """``POST /v1/responses/{id}/cancel``: only an unfinished response can be canceled."""
    stored = _stored(request)
    if stored.at(_CLOCK.now(), request.app[_WRITING])["status"] not in _UNFINISHED:
        return web.json_response({"error": {"message": "the response has ended", "code": None}}, status=400)
    stored.is_canceled = True
    return _shown(request, stored)


def _stored(request: web.Request) -> Background:
    found = request.app[_STORED].get(request.match_info["id"])
    if found is None:
        error = json.dumps({"error": {"message": "there is no such response", "code": None}})
        raise web.HTTPNotFound(text=error, content_type="application/json")
    return found


def _shown(request: web.Request, stored: Background) -> web.Response:
    return web.json_response(stored.at(_CLOCK.now(), request.app[_WRITING]))


def _response(asked: dict[str, Any], text: str) -> dict[str, Any]:
    input_tokens = round(len(orjson.dumps(asked)) * _TOKENS_PER_CHARACTER)
    output_tokens = round(len(text) * _TOKENS_PER_CHARACTER)
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "id": _CLOCK.new_id("resp"),
        "object": "response",
        "created_at": _CLOCK.now().timestamp(),
        "status": "completed",
        "model": asked.get("model", "stand-in"),
        "output": [
            {
                "type": "message",
                "id": _CLOCK.new_id("msg"),
                "status": "completed",
                "role": "assistant",
                "content": content,
            }
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": "default",
        "usage": {
            "input_tokens": input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": input_tokens + output_tokens,
        },
        "metadata": {"stand_in": "true"},
    }


def create_app(writing: timedelta = timedelta(seconds=5)) -> web.Application:
    """The server; ``writing`` is the duration of a background response."""
    app = web.Application()
    app[_STORED], app[_WRITING] = {}, writing
    app.router.add_post("/v1/responses", respond)
    app.router.add_get("/v1/responses/{id}", retrieve)
    app.router.add_post("/v1/responses/{id}/cancel", cancel)
    return app


if __name__ == "__main__":
    add_folder(Settings.load().agents_dir)
    web.run_app(create_app(), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
