"""Requests and responses of OpenAI's Responses API.

The library's own types follow OpenAI's newest API. These ask for what is needed and no more, so that an unknown field,
status or kind of output, or a gateway that leaves out the rest, fails no run.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from pydantic import BaseModel, PrivateAttr, ValidationError

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.openai_errors import named
from agenciaos_jobs.ai_content.prices import cost
from agenciaos_jobs.ai_content.prompt import Prompt, PromptMessage, Usage

_FAILED = {"failed", "cancelled", "incomplete"}


class MalformedError(Exception):
    """The body is no response. The message names the first fault, and nothing of what was read."""


class ContentPart(BaseModel):
    """A part of the model's output: text, or the reason for a refusal."""

    type: str
    text: str = ""
    refusal: str = ""


class Item(BaseModel):
    """One of the things that the model puts out; those that are no messages are steps on the way."""

    type: str
    content: Sequence[ContentPart] | None = None


class CachedTokens(BaseModel):
    """Of the tokens read."""

    cached_tokens: int = 0


class ReasoningTokens(BaseModel):
    """Of the tokens written."""

    reasoning_tokens: int = 0


class Tokens(BaseModel):
    """What is billed."""

    input_tokens: int
    output_tokens: int
    input_tokens_details: CachedTokens | None = None
    output_tokens_details: ReasoningTokens | None = None


class ResponseError(BaseModel):
    """Why a response failed."""

    message: str


class Incompletion(BaseModel):
    """Why a response was cut off."""

    reason: str | None = None


class Response(BaseModel):
    """What is read of a response; it may have more. ``request_id`` is what OpenAI's support asks for."""

    id: str = ""
    model: str
    status: str | None = None
    output: Sequence[Item] = ()
    usage: Tokens | None = None
    service_tier: str | None = None
    error: ResponseError | None = None
    incomplete_details: Incompletion | None = None
    _request_id: str | None = PrivateAttr(default=None)

    @classmethod
    def read(cls, content: bytes, request_id: str | None) -> Self:
        """The response in a body. Raises :class:`MalformedError`."""
        try:
            response = cls.model_validate_json(content)
        except ValidationError as error:
            # Without the input, which is the customer's text.
            where = f"{error.error_count()} faults, the first in {error.errors()[0]['loc']}"
            message = f"OpenAI's answer was not a response as documented: {where}{named(request_id)}"
            raise MalformedError(message) from None
        response._request_id = request_id
        return response

    @property
    def request_id(self) -> str | None:
        return self._request_id

    @property
    def parts(self) -> list[ContentPart]:
        """The parts of the model's output, in order."""
        return [part for item in self.output if item.type == "message" for part in item.content or ()]

    @property
    def text(self) -> str:
        """The text parts of the output, joined."""
        return "".join(part.text for part in self.parts if part.type == "output_text")

    @property
    def is_whole(self) -> bool:
        """Whether everything is there that a response of its status has."""
        if self.status in _FAILED:
            return True
        return bool(self.output) and self.usage is not None

    @property
    def fault(self) -> tuple[str, str] | None:
        """Why the answer can't be used, as a code and in words; ``None`` where it can."""
        fault = self._fault()
        return (fault[0], fault[1] + named(self.request_id)) if fault else None

    def _fault(self) -> tuple[str, str] | None:
        for part in self.parts:
            if part.type == "refusal":
                return "model_refused", f"the model refused: {part.refusal}"
        if self.status == "incomplete":
            reason = self.incomplete_details.reason if self.incomplete_details else None
            if reason == "content_filter":
                return "content_filtered", "OpenAI's content filter stopped the answer"
            return "output_truncated", f"the answer was cut off ({reason or 'no reason given'})"
        if self.status not in {"completed", None}:
            message = self.error.message if self.error else f"status {self.status}"
            return "generation_failed", f"OpenAI reports: {message}"
        return None


def usage_of(response: Response, now: datetime) -> Usage:
    """What a response has consumed, at the prices of ``now``."""
    counted = response.usage
    if counted is None:
        return Usage(response.model, 0, 0, 0, 0, Decimal(0), response.service_tier)
    cached = counted.input_tokens_details.cached_tokens if counted.input_tokens_details else 0
    reasoning = counted.output_tokens_details.reasoning_tokens if counted.output_tokens_details else 0
    tier = response.service_tier
    price = cost(response.model, counted.input_tokens, cached, counted.output_tokens, tier, now)
    return Usage(
        model=response.model,
        input_tokens=counted.input_tokens,
        cached_tokens=cached,
        output_tokens=counted.output_tokens,
        reasoning_tokens=reasoning,
        cost=price,
        service_tier=tier,
    )


def request_of(model: str, prompt: Prompt) -> dict[str, Any]:
    """The body of a request, but for whether OpenAI is to store the answer."""
    return {
        "model": model,
        "instructions": prompt.agent.brief,
        "input": [_turn(message) for message in prompt.messages],
        "max_output_tokens": prompt.agent.max_output_tokens,
        "text": {"format": _format(prompt.agent)},
    }


def _turn(message: PromptMessage) -> dict[str, str]:
    return {"role": "assistant" if message.role == "assistant" else "user", "content": message.text}


def _format(agent: Agent) -> dict[str, Any]:
    return {"type": "json_schema", "name": agent.type.lower(), "schema": agent.wire_schema, "strict": True}
