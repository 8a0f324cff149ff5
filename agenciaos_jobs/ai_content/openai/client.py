"""Client for OpenAI's Responses API, or any compatible server, built on OpenAI's own library.

The library is imported in a thread on first use.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from agenciaos_jobs.ai_content.answer import Answer
from agenciaos_jobs.ai_content.background import ResponseNotFoundError, Submitted
from agenciaos_jobs.ai_content.openai import streaming, usage_metrics
from agenciaos_jobs.ai_content.openai.errors import (
    KeyRefusedError,
    ModelMissingError,
    RejectedInBackgroundError,
    UnsupportedError,
    failure,
    is_timeout,
    named,
    refusal,
)
from agenciaos_jobs.ai_content.openai.lazy import Lazy
from agenciaos_jobs.ai_content.openai.library import CONNECT, LONG, SHORT, client, phases
from agenciaos_jobs.ai_content.openai.request import IN_BACKGROUND, Options, Origin, request_of
from agenciaos_jobs.ai_content.openai.streaming import OnText, StreamFailedError
from agenciaos_jobs.ai_content.openai.wire import MalformedError, Response, usage_of
from agenciaos_jobs.ai_content.pacing.headroom import headroom
from agenciaos_jobs.ai_content.prompt import Prompt
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.engine.pacing.upstream import RateLimitedError, UnavailableError
from agenciaos_jobs.foundation import tracing
from agenciaos_jobs.foundation.clock import Clock

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = structlog.get_logger("agenciaos_jobs.openai")

_UNFINISHED = {"queued", "in_progress"}
_NO_ANSWER = {"timeout": "OpenAI did not answer in time", "unreachable": "OpenAI could not be reached"}


class OpenAIModel:
    """Client of a model. Never retries: OpenAI takes no idempotency key and would bill twice, so the run retries.

    ``organization`` and ``project`` select what a call is billed to, for a key that belongs to several. Options that a
    server refuses are left out from then on, for as long as the process lives.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        api_key: str | None,
        base_url: str,
        options: Options,
        organization: str | None = None,
        project: str | None = None,
        in_background: bool = True,
        has_completion_webhook: bool = False,
    ) -> None:
        self._clock, self._options = clock, options
        self._wants_background, self.has_completion_webhook = in_background, has_completion_webhook
        self._refused: frozenset[str] = frozenset()
        self._refuses_background = False
        self._client = Lazy(partial(client, api_key, base_url, organization, project)) if api_key else None

    @property
    def in_background(self) -> bool:
        """Whether OpenAI may store long answers and write them in the background. Zero-retention accounts refuse it."""
        return self._wants_background and not self._refuses_background

    def name_for(self, prompt: Prompt) -> str:
        """The model that a prompt is for."""
        return self._options.model_for(prompt.agent)

    async def answer(self, prompt: Prompt, origin: Origin | None = None, on_text: OnText | None = None) -> Answer:
        """The model's answer with what it consumed. With ``on_text`` it is streamed, and passed on as it is written.

        Raises :class:`RetryLater` for transient errors (rate limits, outages, broken bodies) and :class:`GiveUp` for
        permanent ones (a wrong key, a refused request, a spent budget).
        """
        how = {"store": False, "stream": True} if on_text else {"store": False}
        return self._read(await self._create(prompt, origin, LONG, on_text, **how))

    async def submit(self, prompt: Prompt, origin: Origin | None = None) -> Submitted:
        """Submits a background request, which OpenAI supports only for stored ones. Raises as :meth:`answer`.

        A server without background support answers at once; one that refuses it gets a foreground request.
        """
        if self.in_background:
            try:
                response = await self._create(prompt, origin, SHORT, background=True, store=True)
            except UnsupportedError as refused:
                if refused.option not in IN_BACKGROUND:
                    raise
            else:
                if response.id and response.status in _UNFINISHED:
                    return Submitted(response.id, headroom=response.headroom)
                answer = self._read(response)
                return Submitted(response.id, answer, answer.headroom)
        answer = await self.answer(prompt, origin)
        return Submitted(None, answer, answer.headroom)

    async def poll(self, response_id: str) -> Answer | None:
        """The answer to a submitted request, ``None`` while the model works on it.

        Raises :class:`ResponseNotFoundError`, or as :meth:`answer`.
        """
        async with self._call({404: ResponseNotFoundError(response_id)}, SHORT) as openai:
            received = await openai.responses.with_raw_response.retrieve(response_id, timeout=phases(SHORT))
            log.debug("openai_answered", status=received.status_code, openai_request_id=received.request_id)
            response = Response.read(received.content, received.request_id)
        if response.status in _UNFINISHED:
            return None
        if response.is_rate_limited:
            raise RejectedInBackgroundError("openai_rate_limit_exceeded", "OpenAI's limit was reached while it wrote")
        return self._read(response)

    async def cancel(self, response_id: str) -> Answer | None:
        """Cancels a submitted request. Returns the answer if there is one anyway, ``None`` if that is not known yet.

        Raises :class:`ResponseNotFoundError`, or as :meth:`answer`.
        """
        async with self._call({404: ResponseNotFoundError(response_id)}, SHORT) as openai:
            from openai import BadRequestError  # noqa: PLC0415

            try:
                await openai.responses.with_raw_response.cancel(response_id, timeout=phases(SHORT))
            except BadRequestError as error:  # the response has already ended
                log.debug("openai_answered", status=error.status_code, openai_request_id=error.request_id)
        return await self.poll(response_id)

    async def check(self) -> None:
        """Checks that the key may use the model, at no cost.

        Raises :class:`KeyRefusedError`, :class:`ModelMissingError`, or as :meth:`answer`.
        """
        async with self._call({401: KeyRefusedError(), 404: ModelMissingError()}, CONNECT) as openai:
            await openai.models.with_raw_response.retrieve(self._options.model, timeout=phases(CONNECT))

    async def close(self) -> None:
        if self._client is not None and (openai := await self._client.made()):
            await openai.close()

    async def _create(
        self, prompt: Prompt, origin: Origin | None, seconds: float, on_text: OnText | None = None, **how: bool
    ) -> Response:
        """Sends a request; once more without an option that the server refuses, unless that decides how it answers."""
        while True:
            options = {**request_of(self._options, prompt, origin, self._refused), **how}
            kept = {name: value for name, value in options.items() if name not in self._refused}
            try:
                return await self._send(kept, seconds, on_text)
            except UnsupportedError as refused:
                if refused.option in self._refused:
                    raise
                log.warning("openai_option_refused", option=refused.option)
                if how.get("background") and refused.option in IN_BACKGROUND:
                    self._refuses_background = True
                    raise
                self._refused |= {refused.option}

    async def _send(self, request: dict[str, Any], seconds: float, on_text: OnText | None) -> Response:
        async with self._call({}, seconds) as openai:
            received = await openai.responses.with_raw_response.create(**request, timeout=phases(seconds))
            log.info("openai_answered", status=received.status_code, openai_request_id=received.request_id)
            if on_text and request.get("stream"):
                response = await streaming.read(received, on_text)
            else:
                response = Response.read(received.content, received.request_id)
            if response.is_rate_limited:
                message = "OpenAI's limit was reached while it wrote" + named(received.request_id)
                raise RateLimitedError("openai_rate_limit_exceeded", message)
            response.model = response.model or request["model"]
            response.headroom = headroom(received.headers, response.tokens)
            return response

    def _attributes(self) -> Mapping[str, str]:
        """OpenTelemetry's names (https://opentelemetry.io/docs/specs/semconv/gen-ai/)."""
        return {"gen_ai.provider.name": "openai", "gen_ai.request.model": self._options.model}

    @asynccontextmanager
    async def _call(self, outcomes: Mapping[int, Exception], seconds: float) -> "AsyncIterator[AsyncOpenAI]":
        """The client, for one call that may take so long; what it raises comes out as an outcome.

        ``outcomes`` are those that some status has for this call.
        """
        if self._client is None:
            raise GiveUp("openai_not_configured", "OPENAI_API_KEY is not set")
        try:
            openai = await self._client.get()
        except ValueError as error:
            raise GiveUp("openai_not_configured", f"the environment's proxy can't be used: {error}") from error
        with (
            usage_metrics.OPENAI_SECONDS.labels(self._options.model).time(),
            tracing.span("openai responses", "client", attributes=self._attributes),
            _translated(self._clock, self._options.model, outcomes),
        ):
            # The timeouts by phase begin anew with each piece that comes.
            async with asyncio.timeout(seconds):
                yield openai

    def _read(self, response: Response) -> Answer:
        if not response.is_whole:
            usage_metrics.OPENAI_CALLS.labels(self._options.model, "malformed").inc()
            message = "OpenAI's answer was not a response with output"
            raise RetryLater("upstream_malformed", message + named(response.request_id))
        usage, fault = usage_of(response, self._clock.now()), response.fault
        usage_metrics.record_usage(usage, fault[0] if fault else "ok")
        return Answer(text=response.text, usage=usage, fault=fault, headroom=response.headroom)


@contextmanager
def _translated(clock: Clock, model: str, outcomes: Mapping[int, Exception]) -> Iterator[None]:
    """Turns what the library raises into outcomes."""
    from httpx2 import RequestError  # noqa: PLC0415
    from openai import APIConnectionError, APIStatusError  # noqa: PLC0415

    try:
        yield
    except APIStatusError as error:
        usage_metrics.OPENAI_CALLS.labels(model, str(error.status_code)).inc()
        log.info("openai_answered", status=error.status_code, openai_request_id=error.request_id)
        answer = error.response
        refused = refusal(answer.status_code, answer.headers, answer.content, error.request_id, clock)
        raise outcomes.get(error.status_code, refused) from error
    except StreamFailedError as error:
        usage_metrics.OPENAI_CALLS.labels(model, "stream_failed").inc()
        raise failure(error.error, error.request_id) from error
    except MalformedError as error:
        usage_metrics.OPENAI_CALLS.labels(model, "malformed").inc()
        raise RetryLater("upstream_malformed", str(error)) from error
    except (APIConnectionError, RequestError, aiohttp.ClientError, OSError) as error:
        how = "timeout" if is_timeout(error) else "unreachable"
        usage_metrics.OPENAI_CALLS.labels(model, how).inc()
        raise UnavailableError(f"upstream_{how}", _NO_ANSWER[how]) from error
