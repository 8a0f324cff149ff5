"""Responses of OpenAI's Responses API.

The library's own types follow OpenAI's newest API. These have only the fields that are used, so that an unknown field,
status or kind of output, or a gateway that leaves out the rest, fails no run.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, PrivateAttr, ValidationError, model_validator

from agenciaos_jobs.ai_content.answer import Usage
from agenciaos_jobs.ai_content.openai.errors import named
from agenciaos_jobs.ai_content.prices import cost
from agenciaos_jobs.engine.pacing.headroom import Headroom

OUTPUT_TRUNCATED = "output_truncated"
_FAILED = {"failed", "cancelled", "incomplete"}
_MONTH = 31 * 86_400
_COUNTS = {"input_tokens": ("input_tokens", "prompt_tokens"), "output_tokens": ("output_tokens", "completion_tokens")}
"""The names of the counts, here and in Chat Completions, from which some gateways translate."""


class MalformedError(Exception):
    """The body is no response. The message names the first fault, and nothing of what was read."""


class ContentPart(BaseModel):
    """A part of the model's output: text, or the reason for a refusal."""

    type: str
    text: str | None = None
    refusal: str | None = None


class Item(BaseModel):
    """One of the things that the model puts out; those that are no messages are steps on the way."""

    type: str
    content: Sequence[ContentPart] | None = None


Count = Annotated[int, BeforeValidator(lambda value: value if isinstance(value, int) and value >= 0 else 0)]
"""A number of tokens; 0 for whatever is none. Gateways send ``null``, fractions and texts."""


def _first_count(values: Mapping[str, Any], *names: str) -> int | None:
    counts = (values.get(name) for name in names)
    return next((count for count in counts if isinstance(count, int) and count >= 0), None)


class CachedTokens(BaseModel):
    """Of the tokens read."""

    cached_tokens: Count = 0
    cache_write_tokens: Count = 0


class ReasoningTokens(BaseModel):
    """Of the tokens written."""

    reasoning_tokens: Count = 0


class Tokens(BaseModel):
    """What is billed. A count that is missing is 0, and the usage incomplete."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    input_tokens_details: CachedTokens | None = None
    output_tokens_details: ReasoningTokens | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_malformed_details(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return {}
        counts = {name: _first_count(values, *names) for name, names in _COUNTS.items()}
        details = {name: value for name, value in values.items() if isinstance(value, dict)}
        return details | {name: count for name, count in counts.items() if count is not None}


class ResponseError(BaseModel):
    """Why a response failed."""

    message: str = ""
    code: str | None = None


class Incompletion(BaseModel):
    """Why a response was cut off."""

    reason: str | None = None


class Response(BaseModel):
    """What is read of a response; it may have more. ``request_id`` is for OpenAI's support."""

    id: str = ""
    model: str = ""
    status: str | None = None
    output: Sequence[Item] | None = None
    usage: Tokens | None = None
    service_tier: str | None = None
    error: ResponseError | None = None
    incomplete_details: Incompletion | None = None
    created_at: float | None = None
    _request_id: str | None = PrivateAttr(default=None)
    _headroom: Headroom | None = PrivateAttr(default=None)

    @classmethod
    def read(cls, content: bytes, request_id: str | None) -> Self:
        """The response in a body. Raises :class:`MalformedError`."""
        return cls._validated(lambda: cls.model_validate_json(content), request_id)

    @classmethod
    def of(cls, values: Any, request_id: str | None) -> Self:
        """The response in an event. Raises :class:`MalformedError`."""
        return cls._validated(lambda: cls.model_validate(values), request_id)

    @classmethod
    def _validated(cls, validate: Callable[[], Self], request_id: str | None) -> Self:
        try:
            response = validate()
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
    def headroom(self) -> Headroom | None:
        """What the server reported of its limits."""
        return self._headroom

    @headroom.setter
    def headroom(self, headroom: Headroom | None) -> None:
        self._headroom = headroom

    @property
    def tokens(self) -> int:
        """All tokens of the call."""
        return self.usage.input_tokens + self.usage.output_tokens if self.usage else 0

    @property
    def parts(self) -> list[ContentPart]:
        """The parts of the model's output, in order."""
        return [part for item in self.output or () if item.type == "message" for part in item.content or ()]

    @property
    def text(self) -> str:
        """The text parts of the output, joined."""
        return "".join(part.text or "" for part in self.parts if part.type == "output_text")

    @property
    def is_whole(self) -> bool:
        """Whether everything is there that a response of its status has."""
        return self.status in _FAILED or bool(self.output)

    @property
    def is_rate_limited(self) -> bool:
        """Whether it failed, after it was accepted, because a limit was reached."""
        return self.status == "failed" and bool(self.error and self.error.code == "rate_limit_exceeded")

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
            return OUTPUT_TRUNCATED, f"the answer was cut off ({reason or 'no reason given'})"
        if self.status not in {"completed", None}:
            message = self.error.message if self.error else f"status {self.status}"
            return "generation_failed", f"OpenAI reports: {message or 'no reason given'}"
        return None


def usage_of(response: Response, now: datetime) -> Usage:
    """What a response has consumed, at the prices of the moment that it was created (``now`` if it has none).

    Counts that can't be, such as more cached tokens than tokens, are read as the nearest that can.
    """
    counted, tier = response.usage, response.service_tier
    if counted is None:
        never_began = response.status in _FAILED
        cost_of_nothing = Decimal(0) if never_began else None
        return Usage(response.model, 0, 0, 0, 0, cost_of_nothing, tier, is_incomplete=not never_began)
    read, written = counted.input_tokens, counted.output_tokens
    details, reasoning = counted.input_tokens_details or CachedTokens(), counted.output_tokens_details
    cached = min(details.cached_tokens, read)
    cache_writes = min(details.cache_write_tokens, read - cached)
    return Usage(
        model=response.model,
        input_tokens=read,
        cached_tokens=cached,
        output_tokens=written,
        reasoning_tokens=min(reasoning.reasoning_tokens if reasoning else 0, written),
        cost=cost(response.model, read, cached, cache_writes, written, tier, _priced_at(response, now)),
        service_tier=tier,
        cache_write_tokens=cache_writes,
        is_incomplete=details.cached_tokens > read or not counted.model_fields_set.issuperset(_COUNTS),
    )


def _priced_at(response: Response, now: datetime) -> datetime:
    """When the response was created, unless that is not within the last month."""
    if response.created_at is None or not 0 <= now.timestamp() - response.created_at < _MONTH:
        return now
    return datetime.fromtimestamp(response.created_at, UTC)
