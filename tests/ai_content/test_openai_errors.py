"""What becomes of a call to OpenAI that is refused, not understood or not answered."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web
from support.openai_api import Api, api, error, model, model_at, question

from agenciaos_jobs.ai_content.background import ResponseNotFoundError
from agenciaos_jobs.ai_content.openai import client as adapter
from agenciaos_jobs.ai_content.openai.client import OpenAIModel
from agenciaos_jobs.ai_content.openai.errors import KeyRefusedError, ModelMissingError
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.engine.pacing.upstream import RateLimitedError

__all__ = ["api", "model"]


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (
            lambda: error(400, message="Too long", code="context_length_exceeded"),
            "openai_context_length_exceeded",
            "OpenAI answered 400: Too long (request req_7)",
        ),
        (
            lambda: error(429, message="Pay first", code="insufficient_quota"),
            "openai_insufficient_quota",
            "OpenAI answered 429: Pay first (request req_7)",
        ),
        (lambda: web.Response(status=403, text="<html>"), "openai_http_403", "OpenAI answered 403: http_403"),
        (lambda: web.json_response(["none"], status=404), "openai_http_404", "OpenAI answered 404: http_404"),
    ],
)
async def test_what_will_always_be_refused_is_given_up(
    api: Api, model: OpenAIModel, answer: Callable[[], web.Response], code: str, message: str
):
    api.answers = [answer()]
    with pytest.raises(GiveUp) as outcome:
        await model.answer(question())
    assert (outcome.value.code, outcome.value.message) == (code, message)


@pytest.mark.parametrize(
    ("answer", "code", "after"),
    [
        (
            lambda: error(429, {"retry-after": "9"}, message="Slow", code="rate_limit_exceeded"),
            "rate_limit_exceeded",
            9,
        ),
        (lambda: error(503, {"retry-after-ms": "250", "retry-after": "9"}), "http_503", 0.25),
        (lambda: error(409), "http_409", None),
        (lambda: error(408), "http_408", None),
        (lambda: web.Response(status=502, text="<html>bad gateway</html>"), "http_502", None),
        (lambda: web.json_response({"error": "no object"}, status=500), "http_500", None),
    ],
)
async def test_what_may_pass_is_asked_once_and_left_to_the_run_s_retries(
    api: Api, model: OpenAIModel, answer: Callable[[], web.Response], code: str, after: float | None
):
    api.answers = [answer()]
    with pytest.raises(RetryLater) as outcome:
        await model.answer(question())
    assert outcome.value.code == f"openai_{code}"
    assert outcome.value.after == (after and timedelta(seconds=after))
    assert len(api.asked) == 1


async def test_a_limit_that_is_reached_after_a_request_was_accepted_is_waited_for(api: Api, model: OpenAIModel):
    failed = {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow"}, "output": []}
    api.answers = [web.json_response({"id": "r", "model": "m"} | failed)]
    with pytest.raises(RateLimitedError) as outcome:
        await model.answer(question())
    assert outcome.value.code == "openai_rate_limit_exceeded"


@pytest.mark.parametrize(
    "body", ["<html>", "[]", "{", '{"id": "r"}', '{"id": "r", "model": "m", "output": [7]}', '{"model": "segredo"}']
)
async def test_what_is_no_response_is_tried_again_and_not_repeated_in_the_error(
    api: Api, model: OpenAIModel, body: str
):
    api.answers = [web.Response(text=body, headers={"x-request-id": "req_7"})]
    with pytest.raises(RetryLater, match=r"\(request req_7\)$") as outcome:
        await model.answer(question())
    assert outcome.value.code == "upstream_malformed"
    assert body not in str(outcome.value)
    assert "segredo" not in str(outcome.value)


async def test_a_connection_that_is_refused_or_breaks_is_told_from_an_answer_that_does_not_come(
    api: Api, model: OpenAIModel, monkeypatch: pytest.MonkeyPatch
):
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.close()
        return web.Response()

    async def cut_short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"id":')
        return await cut(request)

    async def noise(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.write(b"of no protocol\r\n\r\n")  # type: ignore[attr-defined]
        return await cut(request)

    refusing = model_at("http://127.0.0.1:9/v1")
    api.answers = [cut, cut_short, noise]
    for asked in (model, model, model, refusing):
        with pytest.raises(RetryLater) as outcome:
            await asked.answer(question())
        assert (outcome.value.code, outcome.value.after) == ("upstream_unreachable", None)
    await refusing.close()


@pytest.mark.parametrize("limit", ["LONG", "READ"])
async def test_a_call_ends_when_nothing_comes_and_when_it_comes_too_slowly(
    api: Api, model: OpenAIModel, monkeypatch: pytest.MonkeyPatch, limit: str
):
    ended = asyncio.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while limit == "LONG":
            await response.write(b" ")
            await asyncio.sleep(0.02)
        await ended.wait()
        return response

    if limit == "LONG":
        monkeypatch.setattr(adapter, "LONG", 0.3)
    else:
        phases = adapter.phases
        monkeypatch.setattr(adapter, "phases", lambda _: phases(0.3))
    api.answers = [drip]
    with pytest.raises(RetryLater) as outcome:
        await model.answer(question())
    ended.set()
    assert outcome.value.code == "upstream_timeout"


async def test_a_response_that_is_gone_or_has_ended(api: Api, model: OpenAIModel):
    api.answers = [error(404), error(404), error(400)]
    with pytest.raises(ResponseNotFoundError):
        await model.poll("resp_1")
    with pytest.raises(ResponseNotFoundError):
        await model.cancel("resp_1")
    ended = await model.cancel("resp_1")
    assert ended
    assert ended.text == '{"resposta": "Olá"}'


async def test_the_check_tells_a_wrong_key_from_a_missing_model(api: Api, model: OpenAIModel):
    api.answers = [error(401), error(404), error(403, code="unsupported_country")]
    with pytest.raises(KeyRefusedError):
        await model.check()
    with pytest.raises(ModelMissingError):
        await model.check()
    with pytest.raises(GiveUp, match="403"):
        await model.check()
