"""The workbench: an agent's own form, the result with its limits, variations, comparison, verdicts and files."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from xml.etree import ElementTree

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.browsing import Browser, logged_in, operator
from support.double import OpenAIDouble
from support.service import Service, running_server

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.ai_content.documents.blocks import blocks
from agenciaos_jobs.ai_content.documents.docx import docx
from agenciaos_jobs.ai_content.documents.meta_ads import csv_of_ads
from agenciaos_jobs.ai_content.store import feedback
from agenciaos_jobs.ai_content.store.feedback import Verdicts
from agenciaos_jobs.http import keys
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.settings import Settings

COPY = AGENTS["META_ADS_COPY"]


async def generated(browser: Browser, service: Service, agent: str = "META_ADS_COPY", **changes: str) -> dict[str, Any]:
    """A run that the workbench's form has started, once it has ended."""
    known = AGENTS[agent]
    fields = {f"input.{name}": value for name, value in known.example_input.items()}
    status, path = await browser.post(
        "/workbench", {"agency": "agency-123", "agent": known.slug, "client": "", **fields, **changes}
    )
    assert status == 303, path
    return await service.finished(path.rpartition("/")[2])


def texts_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for own in value.values() for text in texts_of(own)]
    if isinstance(value, list):
        return [text for own in value for text in texts_of(own)]
    return [value] if isinstance(value, str) else []


def shown(page: str) -> str:
    """What a reader sees, and what a copy takes."""
    return unescape(re.sub(r"<[^>]+>", "", page))


@pytest.mark.parametrize("name", AGENTS)
def test_no_text_of_any_content_is_missing_from_its_blocks(name: str):
    agent = AGENTS[name]
    data, content = agent.written(agent.example, agent.example_input)
    found = "\n\n".join(text for block in blocks(agent, data) for text in block.texts)
    for text in texts_of({key: value for key, value in data.items() if value != content}):
        assert all(part in found for part in text.split("\n\n")), text
    odd = {"unknown": {"deep": [{"text": "here"}]}, "flag": True}
    assert [block.texts for block in blocks(agent, odd)] == [["here"], []]
    assert [block.texts for block in blocks(None, odd)] == [["here"], []]


@given(st.text(), st.text())
def test_any_text_makes_a_document_and_a_file(one: str, other: str):
    data = {"headlines": [one, other], "deep": [{"text": one}], "flag": True, "none": None}
    with zipfile.ZipFile(io.BytesIO(docx(one, other, blocks(None, data)))) as package:
        ElementTree.fromstring(package.read("word/document.xml"))
    text = csv_of_ads("Aurora", {"headlines": [one.replace("\0", "")], "callToAction": other}).decode(errors="replace")
    assert text.startswith("Campaign Name,")


async def test_the_form_is_the_agent_s_own_and_names_what_is_missing(service: Service, db: asyncpg.Connection):
    async with operator(service) as browser:
        _, page = await browser.get("/workbench?agency=agency-123&agent=copy-generator")
        for known in COPY.input:
            assert f'name="input.{known.name}"' in page, known.name
            assert known.label in page
        assert '<option value="vendas">Vendas</option>' in page
        assert 'maxlength="4000"' in page
        assert page.count('aria-required="true"') == sum(known.required for known in COPY.input)
        fields = {"agency": "", "agent": "copy-generator", "input.product": "Vaso <b>"}
        status, page = await browser.post("/workbench", fields)
        wrong = re.findall(r'id="wrong-([\w.]+)">([^<]+)', page)
        assert (status, dict(wrong)) == (
            422,
            {"agency": "campo obrigatório", "input.objective": "campo obrigatório", "input.tone": "campo obrigatório"},
        )
        assert "Vaso &lt;b&gt;</textarea>" in page
        status, page = await browser.post("/workbench", {"agency": "agency-none", "agent": "copy-generator"})
        assert (status, "Não existe agência com este id" in page) == (422, True)
        assert "Não existe agência com este id" in (await browser.get("/workbench?agency=agency-none"))[1]
        assert (await browser.post("/workbench", {"agent": "none"}))[0] == 404
        assert (await browser.get("/workbench?agency=%00&agent=%00&client=%00&from=%00"))[0] == 400
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0


async def test_what_was_made_is_found_by_agency_and_client_and_made_again(service: Service, db: asyncpg.Connection):
    client = await db.fetchval("SELECT id FROM clients WHERE \"agencyId\" = 'agency-123' ORDER BY id LIMIT 1")
    async with operator(service) as browser:
        first = await generated(browser, service, client=client)
        second = await generated(browser, service, **{"input.offer": "s3cret palavra"})
        other = await generated(browser, service, agent="INSTAGRAM_HASHTAGS")
        ids = [run["id"] for run in (other, second, first)]
        for query, expected in (
            ("", ids),
            ("&agent=copy-generator", ids[1:]),
            (f"&client={client}", ids[2:]),
            (f"&client={client}&agent=instagram-hashtags", []),
        ):
            _, page = await browser.get(f"/workbench?agency=agency-123{query}")
            assert re.findall(r'<li data-row="(run_\w+)"', page) == expected, query
        assert COPY.example_input["product"][:40] in page or not expected
        _, page = await browser.get(f"/workbench?from={ids[1]}")
        assert "s3cret palavra</textarea>" in page
        assert '<option value="vendas" selected>' in page
        _, page = await browser.get(f"/workbench?from={ids[2]}")
        assert f'<option value="{client}" selected>' in page


async def test_one_text_is_written_anew_and_the_rest_stays(service: Service, openai_double: OpenAIDouble):
    async with operator(service) as browser:
        run = await generated(browser, service)
        before = run["output"]["data"]
        _, page = await browser.get(f"/workbench/runs/{run['id']}")
        assert 'name="path" value="headlines/1"' in page
        assert 'value="callToAction"' not in page
        status, path = await browser.post(f"/workbench/runs/{run['id']}/vary", {"path": "headlines/1"})
        assert (status, path.partition("?")[2]) == (303, f"with={run['id']}")
        varied = await service.finished(path.partition("?")[0].rpartition("/")[2])
        after = varied["output"]["data"]
        assert after["headlines"][1] == "seu próximo smartphone O"
        after["headlines"][1] = before["headlines"][1]
        assert after == before
        assert varied["output"]["content"].count("seu próximo smartphone O") == 1
        asked = openai_double.requests[-1]
        assert list(asked["text"]["format"]["schema"]["properties"]) == ["texto"]
        assert "até 40 caracteres" in asked["text"]["format"]["schema"]["properties"]["texto"]["description"]
        _, page = await browser.get(path)
        assert "seu próximo smartphone O" in page
        assert "Variação de" in page
        assert page.count('data-copy="#a-headlines-1"') == page.count('data-copy="#b-headlines-1"') == 1
        for wrong in ("callToAction", "headlines/9", "headlines", "none/0", ""):
            assert (await browser.post(f"/workbench/runs/{run['id']}/vary", {"path": wrong}))[0] == 409, wrong


async def test_a_variation_that_repeats_a_text_is_corrected_and_one_over_the_limits_fails(
    service: Service, openai_double: OpenAIDouble
):
    async with operator(service) as browser:
        run = await generated(browser, service)
        for answers, status in (
            (["Câmera boa: preço que cabe!", "Uma ideia bem nova"], "COMPLETED"),
            (["x" * 41, "a" * 41], "FAILED"),
        ):
            for answer in answers:
                openai_double.says({"texto": answer})
            _, path = await browser.post(f"/workbench/runs/{run['id']}/vary", {"path": "headlines/1"})
            varied = await service.finished(path.partition("?")[0].rpartition("/")[2])
            assert varied["status"] == status
        assert "repete um texto que já existe" in openai_double.requests[2]["input"][-1]["content"]
        _, page = await browser.get(path)
        assert "O que fazer" in page


async def test_two_contents_stand_side_by_side(service: Service):
    async with operator(service) as browser:
        first, second = await generated(browser, service), await generated(browser, service)
        other = await generated(browser, service, agent="INSTAGRAM_HASHTAGS")
        _, page = await browser.get(f"/workbench/runs/{second['id']}")
        assert f'<option value="{first["id"]}" selected>anterior: ' in page
        _, page = await browser.get(f"/workbench/runs/{second['id']}?with={first['id']}")
        for prefix in "ab":
            assert f'id="{prefix}-headlines-0"' in page
        assert (await browser.get(f"/workbench/runs/{second['id']}?with={other['id']}"))[0] == 409
        assert (await browser.get(f"/workbench/runs/{second['id']}?with=run_gone"))[0] == 200
        assert (await browser.get("/workbench/runs/run_gone"))[0] == 404


async def test_a_verdict_is_kept_once_a_person_and_shown_where_the_content_is(service: Service, db: asyncpg.Connection):
    async with operator(service) as one, logged_in(service, "bia", Role.OPERATOR) as two:
        run = await generated(one, service)
        path = f"/workbench/runs/{run['id']}"
        for browser, rating, word in ((one, "up", "ótimo"), (one, "down", "<b>seco</b>"), (two, "up", "")):
            assert (await browser.post(f"{path}/feedback", {"rating": rating, "word": word}))[0] == 303
        rows = await db.fetch("SELECT agency_id, agent_type, is_good, word FROM jobs.ai_feedback ORDER BY is_good")
        assert [tuple(row) for row in rows] == [
            ("agency-123", "META_ADS_COPY", False, "<b>seco</b>"),
            ("agency-123", "META_ADS_COPY", True, None),
        ]
        for page in ((await one.get(path))[1], (await two.get(f"/runs/{run['id']}"))[1]):
            assert "&lt;b&gt;seco&lt;/b&gt;" in page
            assert page.count('class="verdicts"') == 1
        day = timedelta(days=1)
        found = await feedback.verdicts(service.app[keys.DATABASE], datetime.now(UTC) - day, datetime.now(UTC) + day)
        assert found == [Verdicts("agency-123", "META_ADS_COPY", good=1, bad=1)]
        assert await feedback.verdicts(service.app[keys.DATABASE], datetime.now(UTC) + day, datetime.now(UTC)) == []
        assert "1 ruim" in (await one.get("/workbench?agency=agency-123"))[1]
        await one.post(f"{path}/feedback", {"rating": "none"})
        assert await db.fetchval("SELECT count(*) FROM jobs.ai_feedback") == 1
        one.token = "stolen"
        assert (await one.post(f"{path}/feedback", {"rating": "up"}))[0] == 403


async def test_a_content_is_a_document_and_ads_are_a_file_for_meta(service: Service, openai_double: OpenAIDouble):
    headlines = ["=Um título & <dois>", "＝Outro título bom", "Mais um título"]
    openai_double.says(COPY.example | {"headlines": headlines})
    async with operator(service) as browser:
        run = await generated(browser, service)
        path = f"/workbench/runs/{run['id']}"
        async with browser.http.get(f"{path}/content.docx") as response:
            body = await response.read()
            assert response.headers["Content-Disposition"].endswith('.docx"')
        with zipfile.ZipFile(io.BytesIO(body)) as package:
            assert package.testzip() is None
            parts = {name: ElementTree.fromstring(package.read(name)) for name in package.namelist()}
        text = "\n".join(
            "".join(part.itertext()) for part in parts["word/document.xml"].iter() if part.tag.endswith("}p")
        )
        for expected in (COPY.name, "Títulos do anúncio", *headlines, *COPY.example["tips"]):
            assert expected in text, expected
        async with browser.http.get(f"{path}/ads.csv") as response:
            lines = list(csv.DictReader(io.StringIO(await response.text())))
        assert [line["Title"] for line in lines] == [" =Um título & <dois>", " ＝Outro título bom", headlines[2]]
        assert {line["Ad Status"] for line in lines} == {"PAUSED"}
        assert (lines[0]["Body"], lines[2]["Call to Action"]) == (COPY.example["primaryTexts"][0], "LEARN_MORE")
        other = await generated(browser, service, agent="INSTAGRAM_HASHTAGS")
        assert (await browser.get(f"/workbench/runs/{other['id']}/ads.csv"))[0] == 404
        async with browser.http.get(f"/workbench/runs/{other['id']}/content.docx") as response:
            assert response.status == 200


async def test_a_content_that_is_being_written_says_so(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        payload = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": COPY.example_input}
        run_id = await service.trigger("ai-content", payload)
        _, page = await browser.get(f"/workbench/runs/{run_id}")
        assert "Escrevendo há" in page
        assert f'data-watch="{run_id}"' in page
        assert "Word" not in page
        assert (await browser.get(f"/workbench/runs/{run_id}/content.docx"))[0] == 404
        assert (await browser.post(f"/workbench/runs/{run_id}/feedback", {"rating": "up"}))[0] == 404
        report = await service.trigger("monthly-report", {"month": "2026-10"})
        assert (await browser.get(f"/workbench/runs/{report}"))[0] == 404
