"""A stand-in for OpenAI: it speaks the Responses API and answers each agent with the example from its file.

``python -m agenciaos_jobs.dev.model PORT`` serves it on 127.0.0.1. Every example says of itself that it is one.
"""

import json
import sys
from typing import Any

import orjson
from aiohttp import web

from agenciaos_jobs.core.clock import SystemClock
from agenciaos_jobs.jobs.agents import AGENTS

_CLOCK = SystemClock()
_TOKENS_PER_CHARACTER = 0.25


async def respond(request: web.Request) -> web.Response:
    """``POST /v1/responses`` (https://platform.openai.com/docs/api-reference/responses/object)."""
    asked = await request.json()
    name = str(asked.get("text", {}).get("format", {}).get("name", "")).upper()
    agent = AGENTS.get(name)
    if agent is None:
        error = {"message": f"the stand-in knows no format {name!r}", "type": "invalid_request_error", "code": None}
        return web.json_response({"error": error}, status=400)
    return web.json_response(_response(asked, json.dumps(agent.example, ensure_ascii=False)))


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


def create_app() -> web.Application:
    app = web.Application()
    app.router.add_post("/v1/responses", respond)
    return app


if __name__ == "__main__":
    web.run_app(create_app(), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
