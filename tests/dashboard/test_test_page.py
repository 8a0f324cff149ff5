"""Starting runs from a form."""

import re
from html import unescape

import asyncpg
from support.browsing import operator
from support.service import running_server, running_service

from agenciaos_jobs.dashboard.payload_form import Field, example_of, fields, read, written
from agenciaos_jobs.registry import OFFERED
from agenciaos_jobs.settings import Settings

AI = {"payload.agencyId": "agency-123", "payload.agentType": "META_ADS_COPY", "payload.input": '{"produto": "Vaso"}'}


def wrong(page: str) -> dict[str, str]:
    """What is told beside each field."""
    return {name: unescape(text) for name, text in re.findall(r'id="wrong-([\w.]+)">([^<]+)', page)}


async def test_the_example_of_each_task_starts_a_run_as_it_stands(settings: Settings):
    async with running_service(settings) as service, operator(service) as browser:
        for task, job in OFFERED.items():
            _, page = await browser.get(f"/test?task={task}")
            given = dict(re.findall(r'<input id="payload[^"]+" name="([^"]+)" value="([^"]*)"', page))
            given |= re.findall(r'<textarea id="[^"]+" name="([^"]+)"[^>]*>([^<]*)', page)
            given |= re.findall(
                r'name="(payload\.[\w]+)" ?>(?:<option[^>]*>[^<]*</option>)*<option selected>([^<]+)', page
            )
            status, path = await browser.post(f"/test/{task}", {name: unescape(text) for name, text in given.items()})
            if not example_of(job.payload.model_json_schema()) and status == 422:
                assert wrong(path), task  # without an example, it says what it needs
                continue
            assert status == 303, (task, wrong(path))
            run = await service.finished(path.rpartition("/")[2])
            assert run["taskIdentifier"] == task
            assert run["isTest"]


async def test_what_is_wrong_is_told_beside_its_field_and_nothing_starts(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        for changes, expected in (
            ({"payload.agencyId": ""}, {"payload.agencyId": "campo obrigatório"}),
            ({"payload.input": "{"}, {"payload.input": "não é JSON válido"}),
            ({"payload.input": "[]"}, {"payload.input": "deve ser um objeto"}),
            ({"payload.agentType": "POEM"}, {"payload.agentType": "deve ser um destes"}),
            ({"delay": "soon"}, {"delay": "deve ser uma duração"}),
            ({"maxAttempts": "0", "tags": "," * 3}, {"maxAttempts": "deve ser maior ou igual a 1"}),
            ({"tags": "ok," + "x" * 200}, {"tags": "1: deve ter no máximo 128 caracteres"}),
        ):
            status, page = await browser.post("/test/generate-ai-content", {**AI, **changes})
            told = wrong(page)
            assert (status, told.keys()) == (422, expected.keys()), changes
            assert all(told[name].startswith(text) for name, text in expected.items()), told
            assert "Vaso" in page or "payload.input" in changes
        status, page = await browser.post("/test/process-payment-webhook", {"payload.amount": "dez"})
        assert wrong(page)["payload.amount"] == "deve ser um número decimal"
        assert (await browser.post("/test/deliver-alert", {"payload.notice": "n"}))[0] == 404
        browser.token = "stolen"
        assert (await browser.post("/test/generate-ai-content", AI))[0] == 403
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0


async def test_options_are_those_of_the_door(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        options = {"delay": "1h", "tags": "verão, cliente-7", "maxAttempts": "7", "idempotencyKey": "once"}
        _, path = await browser.post("/test/generate-ai-content", {**AI, **options})
        run = await service.run(path.rpartition("/")[2])
        assert (run["status"], sorted(run["tags"])) == ("DELAYED", ["cliente-7", "verão"])
        assert (await browser.post("/test/generate-ai-content", {**AI, **options}))[1] == path
        _, page = await browser.post("/test/generate-ai-content", {**AI, **options, "payload.agencyId": "agency-124"})
        assert "já foi usada com outro payload" in wrong(page)["idempotencyKey"]


async def test_an_address_fills_the_form_in(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        _, page = await browser.get("/test?task=generate-monthly-reports&month=2026-10&agencyId=%22%3E%3Cscript%3E")
        assert 'value="2026-10"' in page
        assert 'value="&#34;&gt;&lt;script&gt;"' in page
        assert (await browser.get("/test?task=none"))[0] == 200


def test_a_form_gives_back_what_it_was_given():
    schema = {
        "properties": {
            "text": {"type": "string"},
            "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "flag": {"type": "boolean"},
            "kind": {"enum": ["a", "b"], "type": "string"},
            "list": {"type": "array"},
            "note": {"type": "string", "maxLength": 4000},
        },
        "required": ["list"],
    }
    known = fields(schema)
    assert [(field.name, field.kind) for field in known] == [
        ("list", "json"),
        ("text", "text"),
        ("size", "number"),
        ("flag", "flag"),
        ("kind", "choice"),
        ("note", "long"),
    ]
    values = {"list": [1, {"a": None}], "text": "x", "size": 3, "flag": True, "kind": "b", "note": "long"}
    assert read(known, {field.name: written(field, values[field.name]) for field in known}) == (values, {})
    number = Field("n", "number", is_required=True)
    assert [read([number], {"n": text})[0] for text in ("12", "1.5", "NaN", "x", "")] == [
        {"n": 12},
        {"n": "1.5"},
        {"n": "NaN"},
        {"n": "x"},
        {},
    ]


async def test_invalid_json_hides_no_other_error_and_the_request_follows_the_form(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        wrongs = {**AI, "payload.input": "{", "payload.agencyId": "", "payload.agentType": "POEM"}
        _, page = await browser.post("/test/generate-ai-content", wrongs)
        assert wrong(page).keys() == {"payload.agencyId", "payload.agentType", "payload.input"}
        options = {"tags": ",", "maxAttempts": "0", "delay": "soon"}
        _, page = await browser.post("/test/generate-ai-content", {**wrongs, **options, "tags": "x" * 200})
        assert wrong(page).keys() == {
            *("payload.agencyId", "payload.agentType", "payload.input"),
            *("tags", "maxAttempts", "delay"),
        }
        given = {**AI, "payload.input": '{"produto": "D\'água"}', "tags": "a, b", "delay": "1h"}
        status, command = await browser.post("/test/generate-ai-content/request", given)
        assert status == 200
        for part in ('"agentType": "META_ADS_COPY"', "D'\\''água", '"delay": "1h"', '"tags": [', "/api/trigger"):
            assert part in command, part
        _, page = await browser.post("/test/generate-ai-content", {**given, "payload.agencyId": ""})
        assert "D'\\''água" in unescape(page)
        assert (await browser.post("/test/nothing/request"))[0] == 404
