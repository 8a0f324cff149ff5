"""Streamed responses at the adapter: every way in which a stream ends, and what it means."""

import json
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from support.openai_api import Answerer, Api, api, error, model, question

from agenciaos_jobs.ai_content.openai.client import OpenAIModel
from agenciaos_jobs.dev import model as stand_in
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.engine.pacing.upstream import RateLimitedError, UnavailableError

__all__ = ["api", "model"]

ANSWER = '{"resposta": "Olá, até amanhã 👋"}'
WHOLE = stand_in._response({"model": "gpt-6-luna"}, ANSWER)
EVENTS = list(stand_in.events_of(WHOLE))
ERROR = {"type": "error", "message": "oops", "sequence_number": 7}


def event(values: Any) -> bytes:
    return f"data: {json.dumps(values)}\n\n".encode()


def failed(code: str) -> bytes:
    response = {**WHOLE, "status": "failed", "error": {"code": code, "message": "oops"}, "output": []}
    return event({"type": "response.failed", "response": response})


def streams(*parts: bytes, headers: dict[str, str] | None = None, breaks: bool = False) -> Answerer:
    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **(headers or {})})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        if breaks:
            request.transport.abort()
        return response

    return send


async def asked(model: OpenAIModel) -> tuple[Any, list[str]]:
    seen: list[str] = []
    return await model.answer(question(), on_text=seen.append), seen


async def test_the_text_grows_and_the_answer_is_that_of_a_plain_call(api: Api, model: OpenAIModel):
    limits = {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "90"}
    api.answers = [web.json_response(WHOLE, headers=limits), streams(*EVENTS, headers=limits)]
    plain = await model.answer(question())
    answer, seen = await asked(model)
    assert (answer, answer.headroom) == (plain, plain.headroom)
    assert seen[-1] == ANSWER
    assert len(seen) > 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    assert api.bodies[1] == {**api.bodies[0], "stream": True}


@pytest.mark.parametrize(
    "parts",
    [
        (*EVENTS, b"data: [DONE]\n\n"),
        (b": hello\n\n", event([1]), event(None), event({"type": "response.future", "x": 1}), *EVENTS),
        (*EVENTS, b"data: {\n\n"),
        tuple(b"".join(EVENTS)[place : place + 7] for place in range(0, len(b"".join(EVENTS)), 7)),
        tuple(part.split(b"\n", 1)[1] for part in EVENTS),
        (*EVENTS[:-1], event({"type": "response.completed", "response": {**WHOLE, "output": []}})),
    ],
    ids=["done", "unknown events", "broken afterwards", "in pieces", "without names", "without output"],
)
async def test_what_came_whole_is_used(api: Api, model: OpenAIModel, parts: tuple[bytes, ...]):
    api.answers = [streams(*parts)]
    answer, _ = await asked(model)
    assert (answer.text, answer.fault) == (ANSWER, None)
    assert answer.usage.output_tokens == WHOLE["usage"]["output_tokens"]


async def test_a_reader_does_not_wait_for_the_end_of_a_stream_that_is_complete(api: Api, model: OpenAIModel):
    api.answers = [streams(*EVENTS, breaks=True)]
    assert (await asked(model))[0].text == ANSWER


@pytest.mark.parametrize(
    ("parts", "kind", "code"),
    [
        (EVENTS[:4], RetryLater, "upstream_malformed"),
        ((*EVENTS[:4], b"data: {\n\n"), RetryLater, "upstream_malformed"),
        ((*EVENTS[:4], b"data: \xff\n\n"), RetryLater, "upstream_malformed"),
        ((event({"type": "response.completed"}),), RetryLater, "upstream_malformed"),
        (
            (event({"type": "response.completed", "response": {"status": "completed"}}),),
            RetryLater,
            "upstream_malformed",
        ),
        ((event({**ERROR, "code": "server_error"}),), UnavailableError, "openai_server_error"),
        ((event({"error": {"code": "server_error"}}),), UnavailableError, "openai_server_error"),
        ((event({"error": "oops"}),), RetryLater, "openai_stream_error"),
        ((event({**ERROR, "code": None}),), RetryLater, "openai_stream_error"),
        ((event({**ERROR, "code": "rate_limit_exceeded"}),), RateLimitedError, "openai_rate_limit_exceeded"),
        ((*EVENTS[:2], failed("rate_limit_exceeded")), RateLimitedError, "openai_rate_limit_exceeded"),
        ((event({**ERROR, "code": "insufficient_quota"}),), GiveUp, "openai_insufficient_quota"),
    ],
)
async def test_a_stream_without_a_response_has_the_outcome_of_a_failed_call(
    api: Api, model: OpenAIModel, parts: tuple[bytes, ...], kind: type[Exception], code: str
):
    api.answers = [streams(*parts)]
    with pytest.raises(kind) as raised:
        await asked(model)
    assert raised.type is kind
    assert raised.value.code == code
    assert ANSWER[:12] not in str(raised.value)


async def test_a_lost_connection_counts_as_an_outage(api: Api, model: OpenAIModel):
    api.answers = [streams(*EVENTS[:4], breaks=True)]
    with pytest.raises(UnavailableError, match="could not be reached"):
        await asked(model)


@pytest.mark.parametrize("status", ["failed", "incomplete"])
async def test_a_response_that_failed_or_was_cut_off_has_the_fault_of_a_plain_one(
    api: Api, model: OpenAIModel, status: str
):
    whole = {**WHOLE, "status": status}
    api.answers = [web.json_response(whole), streams(*stand_in.events_of(whole))]
    plain = await model.answer(question())
    assert (await asked(model))[0] == plain
    assert plain.fault


async def test_a_server_that_refuses_streams_is_asked_without_from_then_on(api: Api, model: OpenAIModel):
    api.answers = [error(400, message="unsupported", param="stream")]
    for _ in range(2):
        answer, seen = await asked(model)
        assert (answer.text, seen) == ('{"resposta": "Olá"}', [])
    assert ["stream" in body for body in api.bodies] == [True, False, False]


async def test_a_body_of_a_server_that_does_not_stream_may_break_off_too(api: Api, model: OpenAIModel):
    api.answers = [streams(b'{"id": "resp', headers={"Content-Type": "application/json"}, breaks=True)]
    with pytest.raises(UnavailableError):
        await asked(model)
