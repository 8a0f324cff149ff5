"""OpenAI's Responses API, or any server that speaks it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from agenciaos_jobs.ai_content import usage_metrics
from agenciaos_jobs.ai_content.background import ResponseNotFound, Submitted
from agenciaos_jobs.ai_content.openai_client import Malformed, OpenAIClient, Refused, Response, Unreachable
from agenciaos_jobs.ai_content.prices import cost
from agenciaos_jobs.ai_content.prompt import Agent, Answer, Message, Prompt, Usage
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.foundation import tracing
from agenciaos_jobs.foundation.backoff import retry_after
from agenciaos_jobs.foundation.clock import Clock

_RETRYABLE = {408, 409, 429}
_SPENT = {"insufficient_quota", "billing_hard_limit_reached"}
_UNFINISHED = {"queued", "in_progress"}
_FAILED = {"failed", "cancelled", "incomplete"}
_LONG, _SHORT = 300, 30
"""Seconds for a call that waits for the model, and for one that does not."""


class OpenAIModel:
    """Asks a model once; retries belong to the run, because OpenAI takes no idempotency key and would bill twice."""

    def __init__(
        self,
        clock: Clock,
        *,
        api_key: str | None,
        base_url: str,
        model: str,
        in_background: bool = True,
        has_completion_webhook: bool = False,
    ) -> None:
        self._clock, self._model = clock, model
        self.in_background, self.has_completion_webhook = in_background, has_completion_webhook
        self._client = OpenAIClient(api_key, base_url) if api_key else None

    async def answer(self, prompt: Prompt) -> Answer:
        """The model's answer with what it consumed.

        Raises :class:`RetryLater` for what may pass (rate limits, outages, broken bodies) and :class:`GiveUp` for what
        won't (a wrong key, a refused request, a spent budget).
        """
        with self._translated() as client:
            response = await client.create({**self._request(prompt), "store": False}, _LONG)
        return self._read(response)

    async def ask(self, prompt: Prompt) -> Submitted:
        """Has the model write in the background, which OpenAI does only with what it stores. Raises as :meth:`answer`.

        A server that knows no background has the answer at once.
        """
        with self._translated() as client:
            response = await client.create({**self._request(prompt), "background": True, "store": True}, _SHORT)
        if response.id and response.status in _UNFINISHED:
            return Submitted(response.id)
        return Submitted(response.id, self._read(response))

    async def look(self, response_id: str) -> Answer | None:
        """The answer to what was asked, ``None`` while the model works on it.

        Raises :class:`AnswerGone`, or as :meth:`answer`.
        """
        with self._translated(missing=ResponseNotFound(response_id)) as client:
            response = await client.retrieve(response_id, _SHORT)
        return None if response.status in _UNFINISHED else self._read(response)

    async def withdraw(self, response_id: str) -> Answer | None:
        """Cancels what was asked; returns what came of it all the same, ``None`` where that is not known yet.

        Raises :class:`AnswerGone`, or as :meth:`answer`.
        """
        with self._translated(missing=ResponseNotFound(response_id)) as client:
            try:
                await client.cancel(response_id, _SHORT)
            except Refused as error:
                if error.status != 400:  # which says that it has ended already
                    raise
        return await self.look(response_id)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        return {
            "model": self._model,
            "instructions": prompt.agent.brief,
            "input": [_turn(message) for message in prompt.messages],
            "max_output_tokens": prompt.agent.max_output_tokens,
            "text": {"format": _format(prompt.agent)},
        }

    def _attributes(self) -> Mapping[str, str]:
        """OpenTelemetry's names (https://opentelemetry.io/docs/specs/semconv/gen-ai/)."""
        return {"gen_ai.provider.name": "openai", "gen_ai.request.model": self._model}

    @contextmanager
    def _translated(self, missing: Exception | None = None) -> Iterator[OpenAIClient]:
        """The client; what it raises comes out as an outcome, a 404 as ``missing`` where that is given."""
        if self._client is None:
            raise GiveUp("openai_not_configured", "OPENAI_API_KEY is not set")
        with (
            usage_metrics.OPENAI_SECONDS.labels(self._model).time(),
            tracing.span("openai responses", "client", attributes=self._attributes),
            _translated(self._clock, self._model, missing),
        ):
            yield self._client

    def _read(self, response: Response) -> Answer:
        if not _is_whole(response):
            usage_metrics.OPENAI_CALLS.labels(self._model, "malformed").inc()
            raise RetryLater("upstream_malformed", "OpenAI's answer was not a response with output and usage")
        usage = self._usage(response)
        fault = _fault(response)
        usage_metrics.record_usage(usage, fault[0] if fault else "ok")
        return Answer(text=response.text, usage=usage, fault=fault)

    def _usage(self, response: Response) -> Usage:
        counted = response.usage
        if counted is None:
            return Usage(response.model, 0, 0, 0, 0, Decimal(0), response.service_tier)
        cached = counted.input_tokens_details.cached_tokens if counted.input_tokens_details else 0
        reasoning = counted.output_tokens_details.reasoning_tokens if counted.output_tokens_details else 0
        tier = response.service_tier
        price = cost(response.model, counted.input_tokens, cached, counted.output_tokens, tier, self._clock.now())
        return Usage(
            model=response.model,
            input_tokens=counted.input_tokens,
            cached_tokens=cached,
            output_tokens=counted.output_tokens,
            reasoning_tokens=reasoning,
            cost=price,
            service_tier=tier,
        )


def _is_whole(response: Response) -> bool:
    """Whether everything is there that a response of its status has."""
    if response.status in _FAILED:
        return True
    return bool(response.output) and response.usage is not None


def _turn(message: Message) -> dict[str, str]:
    return {"role": "assistant" if message.role == "assistant" else "user", "content": message.text}


def _format(agent: Agent) -> dict[str, Any]:
    return {"type": "json_schema", "name": agent.type.lower(), "schema": agent.wire_schema, "strict": True}


def _fault(response: Response) -> tuple[str, str] | None:
    """Why the answer can't be used, as a code and in words; ``None`` where it can."""
    for part in response.parts:
        if part.type == "refusal":
            return "model_refused", f"the model refused: {part.refusal}"
    if response.status == "incomplete":
        reason = response.incomplete_details.reason if response.incomplete_details else None
        if reason == "content_filter":
            return "content_filtered", "OpenAI's content filter stopped the answer"
        return "output_truncated", f"the answer was cut off ({reason or 'no reason given'})"
    if response.status not in {"completed", None}:
        message = response.error.message if response.error else f"status {response.status}"
        return "generation_failed", f"OpenAI reports: {message}"
    return None


@contextmanager
def _translated(clock: Clock, model: str, missing: Exception | None) -> Iterator[None]:
    """Turns what the client raises into outcomes."""
    try:
        yield
    except Refused as error:
        usage_metrics.OPENAI_CALLS.labels(model, str(error.status)).inc()
        raise (missing if missing and error.status == 404 else _outcome(error, clock)) from error
    except TimeoutError as error:
        usage_metrics.OPENAI_CALLS.labels(model, "timeout").inc()
        raise RetryLater("upstream_timeout", "OpenAI did not answer in time") from error
    except Unreachable as error:
        usage_metrics.OPENAI_CALLS.labels(model, "unreachable").inc()
        raise RetryLater("upstream_unreachable", "OpenAI could not be reached") from error
    except Malformed as error:
        usage_metrics.OPENAI_CALLS.labels(model, "malformed").inc()
        raise RetryLater("upstream_malformed", "OpenAI's answer was not a response as documented") from error


def _outcome(error: Refused, clock: Clock) -> GiveUp | RetryLater:
    message = f"OpenAI answered {error.status}: {error.message}"
    if error.code in _SPENT or not (error.status in _RETRYABLE or error.status >= 500):
        return GiveUp(f"openai_{error.code}", message)
    return RetryLater(f"openai_{error.code}", message, after=asked_wait(error.headers, clock))


def asked_wait(headers: Mapping[str, str], clock: Clock) -> timedelta | None:
    """The wait in OpenAI's own ``retry-after-ms``, or in the header of the standard."""
    try:
        milliseconds = float(headers["retry-after-ms"])
    except (KeyError, ValueError):
        return retry_after(headers.get("retry-after"), clock.now())
    return retry_after(f"{milliseconds / 1000:f}", clock.now())
