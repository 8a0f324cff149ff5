"""Translation of OpenAI errors to run outcomes."""

import re
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from agenciaos_jobs.ai_content.pacing.headroom import wait_before_retry
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.engine.pacing.upstream import RateLimitedError, UnavailableError
from agenciaos_jobs.foundation.clock import Clock

_RETRYABLE = {408, 409, 429}
_TOO_MANY, _SERVER_FAULT = 429, 500
_UNSUPPORTED = {400, 422}
_SPENT = {"insufficient_quota", "billing_hard_limit_reached"}


OPTIONAL = (
    "background",
    "store",
    "stream",
    "prompt_cache_key",
    "safety_identifier",
    "metadata",
    "service_tier",
    "verbosity",
    "reasoning",
)
"""What requests can do without: gateways reject unknown options, and zero-retention accounts stored responses."""


class KeyRefusedError(Exception):
    """OpenAI rejects the key."""


class ModelMissingError(Exception):
    """The key has no access to the model."""


class RejectedInBackgroundError(RateLimitedError):
    """A response that had been accepted failed afterwards, because a limit was reached."""


class UnsupportedError(GiveUp):
    """The server does not take an option that requests can do without: ``option`` is its name."""

    def __init__(self, option: str, refused: GiveUp) -> None:
        super().__init__(refused.code, refused.message)
        self.option = option


_KINDS_IN_STREAMS = {"rate_limit_exceeded": RateLimitedError, "server_error": UnavailableError}


def refusal(
    status: int, headers: Mapping[str, str], content: bytes, request_id: str | None, clock: Clock
) -> GiveUp | RetryLater:
    """The outcome of an answer of 400 or more, with the code and the words that OpenAI gives."""
    details = _error(content)
    code = str(details.get("code") or f"http_{status}")
    words = str(details.get("message") or code)
    message = f"OpenAI answered {status}: {words}{named(request_id)}"
    if code in _SPENT or not (status in _RETRYABLE or status >= _SERVER_FAULT):
        refused = GiveUp(f"openai_{code}", message)
        option = _unsupported_option(details, words) if status in _UNSUPPORTED else None
        return UnsupportedError(option, refused) if option else refused
    wait = wait_before_retry(headers, words, details.get("type"), clock.now())
    kind = RateLimitedError if status == _TOO_MANY else UnavailableError if status >= _SERVER_FAULT else RetryLater
    return kind(f"openai_{code}", message, after=wait)


def failure(error: Mapping[str, Any], request_id: str | None) -> GiveUp | RetryLater:
    """The outcome of an error within a stream, whose status was 200: as if the request had been refused with it."""
    code = str(error.get("code") or "stream_error")
    message = f"OpenAI's stream broke off: {error.get('message') or code}{named(request_id)}"
    if code in _SPENT:
        return GiveUp(f"openai_{code}", message)
    kind = _KINDS_IN_STREAMS.get(code, RetryLater)
    return kind(f"openai_{code}", message)


def _unsupported_option(details: Mapping[str, Any], words: str) -> str | None:
    """The optional part of a request that the error is about, by its ``param`` or its words."""
    param = str(details.get("param") or "").partition(".")[0]
    if param in OPTIONAL:
        return param
    if re.search(r"\bbackground\b|zero data retention", words, re.IGNORECASE):
        return "background"
    return next((name for name in OPTIONAL if re.search(rf"['\"`.]{name}['\"`.]", words)), None)


def _error(content: bytes) -> Mapping[str, Any]:
    """The error object of a body, empty where there is none."""
    try:
        body = orjson.loads(content)
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def is_timeout(error: BaseException) -> bool:
    """Whether the call timed out, by aiohttp's own exception: the library reports refused connections as timeouts."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, aiohttp.ClientError | TimeoutError):
        cause = cause.__cause__
    return isinstance(cause, TimeoutError)


def named(request_id: str | None) -> str:
    """What is added to a message so that OpenAI's support can find the request."""
    return f" (request {request_id})" if request_id else ""
