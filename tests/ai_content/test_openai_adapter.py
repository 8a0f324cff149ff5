"""What OpenAI is sent, by which way, and what is read of its answers and kept in the log."""

import asyncio

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from support.openai_api import KEY, Api, api, error, model, model_at, question

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.openai.client import OpenAIModel
from agenciaos_jobs.ai_content.openai.request import Options, Origin
from agenciaos_jobs.ai_content.prompt import prompt
from agenciaos_jobs.dev import model as stand_in
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater

__all__ = ["api", "model"]


async def test_each_call_is_openai_s_own(api: Api, model: OpenAIModel):
    answer = await model.answer(question())
    await model.submit(question())
    await model.poll("resp_1")
    await model.cancel("resp_1")
    await model.check()
    assert [(request.method, request.path) for request in api.asked] == [
        ("POST", "/v1/responses"),
        ("POST", "/v1/responses"),
        ("GET", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1"),
        ("GET", "/v1/models/gpt-6-luna"),
    ]
    assert {request.headers["Authorization"] for request in api.asked} == {f"Bearer {KEY}"}
    direct, background = api.bodies[:2]
    assert direct.pop("store") is False
    assert (background.pop("store"), background.pop("background")) == (True, True)
    assert direct == background
    assert set(direct) == {"model", "instructions", "input", "max_output_tokens", "text", "prompt_cache_key"}
    assert "Câmera boa" in direct["input"][0]["content"]
    assert direct["text"]["format"]["strict"] is True
    assert (answer.text, answer.usage.model, answer.fault) == ('{"resposta": "Olá"}', "gpt-6-luna", None)
    assert answer.usage.output_tokens > 0


async def test_usage_goes_to_the_organization_and_project_of_the_settings(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-environment")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "")
    ours = model_at(api.url, organization="org-ours", project="proj_ours")
    anyones = model_at(api.url)
    for each in (ours, anyones):
        await each.answer(question())
        await each.close()
    names = ("OpenAI-Organization", "OpenAI-Project")
    assert [[request.headers.get(name) for name in names] for request in api.asked] == [
        ["org-ours", "proj_ours"],
        [None, None],
    ]


async def test_what_is_not_known_of_a_response_is_passed_over(api: Api, model: OpenAIModel):
    whole = stand_in._response({"model": "gateway/of-tomorrow"}, "{}")
    steps = [{"type": "thought_of_tomorrow", "content": None}, *whole["output"]]
    usage = {"input_tokens": 1, "output_tokens": 2, "of_tomorrow": {}}
    api.answers = [
        web.json_response({**whole, "output": steps, "usage": usage, "tools": "none", "of_tomorrow": [1]}),
        web.json_response({**whole, "status": "of_tomorrow"}, headers={"x-request-id": "req_7"}),
    ]
    answer = await model.answer(question())
    assert (answer.text, answer.usage.model, answer.fault) == ("{}", "gateway/of-tomorrow", None)
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cached_tokens) == (1, 2, 0)
    answer = await model.answer(question())
    assert answer.fault == ("generation_failed", "OpenAI reports: status of_tomorrow (request req_7)")


async def test_the_environment_s_proxy_is_used_but_not_to_this_machine(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", api.url.removesuffix("/v1"))
    distant, near = model_at("http://models.example/v1"), model_at(api.url)
    for each in (distant, near):
        await each.answer(question())
        await each.close()
    assert [request.raw_path for request in api.asked] == ["http://models.example/v1/responses", "/v1/responses"]
    assert api.asked[0].host == "models.example"


async def test_a_proxy_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "ftp://user:geheim@proxy.example")
    model = model_at("https://models.example/v1")
    with pytest.raises(GiveUp, match=r"proxy.*ftp://.*proxy\.example") as outcome:
        await model.answer(question())
    await model.close()
    assert outcome.value.code == "openai_not_configured"
    assert "geheim" not in str(outcome.value)


async def test_each_answer_s_request_id_is_logged_and_nothing_of_what_was_said(api: Api, model: OpenAIModel):
    api.answers = [error(429, message="Slow down"), web.json_response({}, headers={"x-request-id": "req_8"})]
    with capture_logs() as lines:
        for _ in range(2):
            with pytest.raises(RetryLater):
                await model.answer(question())
        await model.answer(question())
    assert [(line["event"], line["status"], line["openai_request_id"]) for line in lines] == [
        ("openai_answered", 429, "req_7"),
        ("openai_answered", 200, "req_8"),
        ("openai_answered", 200, "req_1"),
    ]
    assert "Câmera" not in str(lines)
    assert KEY not in str(lines)


async def test_any_number_of_calls_goes_at_once(api: Api, model: OpenAIModel):
    number, all_are_here = 150, asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        if len(api.asked) == number:
            all_are_here.set()
        await all_are_here.wait()
        return web.json_response(stand_in._response({}, "{}"))

    api.answers = [wait] * number
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(model.answer(question()) for _ in range(number)))
    assert len(answers) == number


async def test_what_was_never_asked_is_closed_all_the_same():
    await model_at("http://127.0.0.1:9/v1").close()


async def test_a_request_says_for_whom_it_is_without_naming_them_and_how_it_is_to_be_answered(api: Api):
    options = Options("gpt-6-luna", "gpt-6-sol", reasoning_effort="low", verbosity="medium", service_tier="flex")
    asking = model_at(api.url, options=options)
    long = prompt(AGENTS["BLOG_ARTICLE"], "Agência Aurora", [], [], {"tema": "Café"})
    for question_asked, user in ((question(), "user-456"), (long, "user-457")):
        await asking.answer(question_asked, Origin("run_1", "agency-123", user))
    await asking.close()
    short_body, long_body = api.bodies
    assert (short_body["model"], long_body["model"]) == ("gpt-6-luna", "gpt-6-sol")
    assert (short_body["reasoning"], short_body["service_tier"]) == ({"effort": "low"}, "flex")
    assert short_body["text"]["verbosity"] == "medium"
    assert (short_body["prompt_cache_key"], short_body["metadata"]) == ("meta_ads_copy", {"run_id": "run_1"})
    assert len(short_body["safety_identifier"]) == 64
    assert short_body["safety_identifier"] != long_body["safety_identifier"]
    assert "user-456" not in str(short_body)
    assert "agency-123" not in str(short_body)


async def test_an_option_that_a_server_refuses_is_left_out_from_then_on(api: Api, model: OpenAIModel):
    api.answers = [
        error(400, message="Unknown parameter: 'prompt_cache_key'."),
        error(400, message="No", param="metadata"),
    ]
    for _ in range(2):
        await model.answer(question(), Origin("run_1", "agency-123", None))
    sent = [{"prompt_cache_key", "metadata", "safety_identifier"} & body.keys() for body in api.bodies]
    assert sent == [
        {"prompt_cache_key", "metadata", "safety_identifier"},
        {"metadata", "safety_identifier"},
        {"safety_identifier"},
        {"safety_identifier"},
    ]
