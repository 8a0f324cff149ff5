"""Client for OpenAI's Responses API, or any compatible server, built on OpenAI's own library.

No other module uses the library. It is imported in a thread on first use, because that takes a second. Commands, and
servers without OpenAI's webhook, never import it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import structlog

from agenciaos_jobs.ai_content import usage_metrics
from agenciaos_jobs.ai_content.background import ResponseNotFoundError, Submitted
from agenciaos_jobs.ai_content.lazy import Lazy
from agenciaos_jobs.ai_content.openai_errors import KeyRefusedError, ModelMissingError, is_timeout, named, refusal
from agenciaos_jobs.ai_content.openai_wire import MalformedError, Response, request_of, usage_of
from agenciaos_jobs.ai_content.prompt import Answer, Prompt
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.foundation import tracing, webhook_signature
from agenciaos_jobs.foundation.clock import Clock

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI, Timeout

log = structlog.get_logger("agenciaos_jobs.openai")

_UNFINISHED = {"queued", "in_progress"}
_NO_ANSWER = {"timeout": "OpenAI did not answer in time", "unreachable": "OpenAI could not be reached"}
_LONG, _SHORT = 300, 30
"""Seconds for a call that waits for the model, and for one that does not."""
_CONNECT, _WRITE, _POOL = 10, 30, 20
"""Seconds until an address must have taken the connection, until a piece of the request must be sent, and until the
connection must stand, with the name resolved."""
_HERE = ("localhost", "127.0.0.1", "[::1]")


class OpenAIModel:
    """Client of a model. Never retries: OpenAI takes no idempotency key and would bill twice, so the run retries.

    ``organization`` and ``project`` select what a call is billed to, for a key that belongs to several.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        api_key: str | None,
        base_url: str,
        model: str,
        organization: str | None = None,
        project: str | None = None,
        in_background: bool = True,
        has_completion_webhook: bool = False,
    ) -> None:
        self._clock, self._model = clock, model
        self.in_background, self.has_completion_webhook = in_background, has_completion_webhook
        self._client = Lazy(partial(_client, api_key, base_url, organization, project)) if api_key else None

    async def answer(self, prompt: Prompt) -> Answer:
        """The model's answer with what it consumed.

        Raises :class:`RetryLater` for transient errors (rate limits, outages, broken bodies) and :class:`GiveUp` for
        permanent ones (a wrong key, a refused request, a spent budget).
        """
        return self._read(await self._create(prompt, _LONG, store=False))

    async def submit(self, prompt: Prompt) -> Submitted:
        """Submits a background request, which OpenAI supports only for stored ones. Raises as :meth:`answer`.

        A server without background support answers at once.
        """
        response = await self._create(prompt, _SHORT, background=True, store=True)
        if response.id and response.status in _UNFINISHED:
            return Submitted(response.id)
        return Submitted(response.id, self._read(response))

    async def poll(self, response_id: str) -> Answer | None:
        """The answer to a submitted request, ``None`` while the model works on it.

        Raises :class:`ResponseNotFoundError`, or as :meth:`answer`.
        """
        async with self._call({404: ResponseNotFoundError(response_id)}, _SHORT) as client:
            received = await client.responses.with_raw_response.retrieve(response_id, timeout=_phases(_SHORT))
            log.debug("openai_answered", status=received.status_code, openai_request_id=received.request_id)
            response = Response.read(received.content, received.request_id)
        return None if response.status in _UNFINISHED else self._read(response)

    async def cancel(self, response_id: str) -> Answer | None:
        """Cancels a submitted request. Returns the answer if there is one anyway, ``None`` if that is not known yet.

        Raises :class:`ResponseNotFoundError`, or as :meth:`answer`.
        """
        async with self._call({404: ResponseNotFoundError(response_id)}, _SHORT) as client:
            from openai import BadRequestError  # noqa: PLC0415

            try:
                await client.responses.with_raw_response.cancel(response_id, timeout=_phases(_SHORT))
            except BadRequestError as error:  # the response has already ended
                log.debug("openai_answered", status=error.status_code, openai_request_id=error.request_id)
        return await self.poll(response_id)

    async def check(self) -> None:
        """Checks that the key may use the model, at no cost.

        Raises :class:`KeyRefusedError`, :class:`ModelMissingError`, or as :meth:`answer`.
        """
        async with self._call({401: KeyRefusedError(), 404: ModelMissingError()}, _CONNECT) as client:
            await client.models.with_raw_response.retrieve(self._model, timeout=_phases(_CONNECT))

    async def close(self) -> None:
        if self._client is not None and (client := await self._client.made()):
            await client.close()

    async def _create(self, prompt: Prompt, seconds: float, **how: bool) -> Response:
        async with self._call({}, seconds) as client:
            request = {**request_of(self._model, prompt), **how, "timeout": _phases(seconds)}
            received = await client.responses.with_raw_response.create(**request)
            log.info("openai_answered", status=received.status_code, openai_request_id=received.request_id)
            return Response.read(received.content, received.request_id)

    def _attributes(self) -> Mapping[str, str]:
        """OpenTelemetry's names (https://opentelemetry.io/docs/specs/semconv/gen-ai/)."""
        return {"gen_ai.provider.name": "openai", "gen_ai.request.model": self._model}

    @asynccontextmanager
    async def _call(self, outcomes: Mapping[int, Exception], seconds: float) -> "AsyncIterator[AsyncOpenAI]":
        """The client, for one call that may take so long; what it raises comes out as an outcome.

        ``outcomes`` are those that some status has for this call.
        """
        if self._client is None:
            raise GiveUp("openai_not_configured", "OPENAI_API_KEY is not set")
        try:
            client = await self._client.get()
        except ValueError as error:
            raise GiveUp("openai_not_configured", f"the environment's proxy can't be used: {error}") from error
        with (
            usage_metrics.OPENAI_SECONDS.labels(self._model).time(),
            tracing.span("openai responses", "client", attributes=self._attributes),
            _translated(self._clock, self._model, outcomes),
        ):
            # The timeouts by phase begin anew with each piece that comes.
            async with asyncio.timeout(seconds):
                yield client

    def _read(self, response: Response) -> Answer:
        if not response.is_whole:
            usage_metrics.OPENAI_CALLS.labels(self._model, "malformed").inc()
            message = "OpenAI's answer was not a response with output and usage"
            raise RetryLater("upstream_malformed", message + named(response.request_id))
        usage, fault = usage_of(response, self._clock.now()), response.fault
        usage_metrics.record_usage(usage, fault[0] if fault else "ok")
        return Answer(text=response.text, usage=usage, fault=fault)


@contextmanager
def _translated(clock: Clock, model: str, outcomes: Mapping[int, Exception]) -> Iterator[None]:
    """Turns what the library raises into outcomes."""
    from openai import APIConnectionError, APIStatusError  # noqa: PLC0415

    try:
        yield
    except APIStatusError as error:
        usage_metrics.OPENAI_CALLS.labels(model, str(error.status_code)).inc()
        log.info("openai_answered", status=error.status_code, openai_request_id=error.request_id)
        answer = error.response
        refused = refusal(answer.status_code, answer.headers, answer.content, error.request_id, clock)
        raise outcomes.get(error.status_code, refused) from error
    except MalformedError as error:
        usage_metrics.OPENAI_CALLS.labels(model, "malformed").inc()
        raise RetryLater("upstream_malformed", str(error)) from error
    except (APIConnectionError, aiohttp.ClientError, OSError) as error:
        how = "timeout" if is_timeout(error) else "unreachable"
        usage_metrics.OPENAI_CALLS.labels(model, how).inc()
        raise RetryLater(f"upstream_{how}", _NO_ANSWER[how]) from error


class OpenAIWebhook:
    """Verifies what comes to OpenAI's webhook: deliveries signed with one of ``secrets``, of the last five minutes.

    While the secret is rotated there are two.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [webhook_signature.text_of(webhook_signature.key_of(secret)) for secret in secrets]
        self._library = Lazy(_verifier)

    async def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ``BadSignatureError`` with the reason unless one of the secrets signed the delivery."""
        if not self._secrets:
            raise webhook_signature.BadSignatureError("no secret is configured")
        if not headers.get("webhook-signature", "").isascii():
            raise webhook_signature.BadSignatureError("webhook-signature is not ASCII")
        webhooks = (await self._library.get()).webhooks
        reason = ""
        for secret in self._secrets:
            try:
                return webhooks.verify_signature(body, headers, secret=secret)
            except ValueError as error:
                reason = str(error)
        raise webhook_signature.BadSignatureError(reason)


def _client(api_key: str, base_url: str, organization: str | None, project: str | None) -> "AsyncOpenAI":
    """Tries nothing twice, and goes through the proxy that the environment names, but to this very machine."""
    import httpx2  # noqa: PLC0415
    from openai import AsyncOpenAI, DefaultAioHttpClient  # noqa: PLC0415

    _quiet_logs()
    http = DefaultAioHttpClient(
        limits=httpx2.Limits(max_connections=0),  # for aiohttp any number: runs are limited by WORKER_MAX_JOBS
        mounts={f"all://{host}": None for host in _HERE},
    )
    client = AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0, timeout=_phases(_LONG), http_client=http)
    # Set afterwards, because for ``None`` the library looks in the environment.
    client.organization, client.project = organization, project
    _ = client.responses.with_raw_response, client.models.with_raw_response  # which imports the larger part
    return client


def _verifier() -> "OpenAI":
    """A client that makes no requests, and so needs no key."""
    from openai import OpenAI  # noqa: PLC0415

    _quiet_logs()
    client = OpenAI(api_key="unused")
    _ = client.webhooks
    return client


def _phases(seconds: float) -> "Timeout":
    from openai import Timeout  # noqa: PLC0415

    return Timeout(connect=_CONNECT, read=seconds, write=_WRITE, pool=_POOL)


def _quiet_logs() -> None:
    """Keeps the library to warnings: below that it logs each request, and ``OPENAI_LOG`` would turn that on."""
    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
