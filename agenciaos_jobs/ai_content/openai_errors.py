"""Translation of OpenAI errors to run outcomes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import orjson

from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.foundation.backoff import retry_after
from agenciaos_jobs.foundation.clock import Clock

_RETRYABLE = {408, 409, 429}
_SPENT = {"insufficient_quota", "billing_hard_limit_reached"}


class KeyRefusedError(Exception):
    """OpenAI rejects the key."""


class ModelMissingError(Exception):
    """The key has no access to the model."""


def refusal(
    status: int, headers: Mapping[str, str], content: bytes, request_id: str | None, clock: Clock
) -> GiveUp | RetryLater:
    """The outcome of an answer of 400 or more, with the code and the words that OpenAI gives."""
    details = _error(content)
    code = str(details.get("code") or f"http_{status}")
    message = f"OpenAI answered {status}: {details.get('message') or code}{named(request_id)}"
    if code in _SPENT or not (status in _RETRYABLE or status >= 500):
        return GiveUp(f"openai_{code}", message)
    return RetryLater(f"openai_{code}", message, after=asked_wait(headers, clock))


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


def asked_wait(headers: Mapping[str, str], clock: Clock) -> timedelta | None:
    """The wait in OpenAI's own ``retry-after-ms``, or in the header of the standard."""
    try:
        milliseconds = float(headers["retry-after-ms"])
    except (KeyError, ValueError):
        return retry_after(headers.get("retry-after"), clock.now())
    return retry_after(f"{milliseconds / 1000:f}", clock.now())
