"""A run's page: its times, its log, where it came from, what it made, and the runs beside it."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.browsing import Browser, operator
from support.clock import FrozenClock
from support.double import OpenAIDouble
from support.probe import Probe
from support.sdk import JOBS, running_with_test_jobs
from support.service import Service, running_server, running_service

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OCTOBER = {"month": "2026-10"}
COPY = AGENTS["META_ADS_COPY"]


def log_of(page: str) -> list[str]:
    return re.findall(r'class="level">\w+</span><span class="break"><b>([^<]+)', page)


async def listed(browser: Browser, query: str) -> list[str]:
    return re.findall(r'data-row="(run_\w+)"', (await browser.get(f"/runs?{query}"))[1])


async def test_the_log_is_filtered_by_level_and_text(settings: Settings):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        run_id = await service.start(JOBS["talk"], {})
        await service.finished(run_id)
        for query, expected in (
            ("", ["begun", "halfway", "nearly done"]),
            ("?level=info", ["begun", "halfway", "nearly done"]),
            ("?level=warning", ["halfway", "nearly done"]),
            ("?level=error", ["nearly done"]),
            ("?find=HALF", ["halfway"]),
            ("?find=0.5&level=info", ["halfway"]),
            ("?find=%25", []),
            ("?level=error&find=halfway", []),
        ):
            _, page = await browser.get(f"/runs/{run_id}{query}")
            assert log_of(page) == expected, query
        assert "s3cret" not in (await browser.get(f"/runs/{run_id}"))[1]
        assert "Nenhuma linha com este filtro" in (await browser.get(f"/runs/{run_id}?find=nothing"))[1]


async def test_the_calls_of_an_attempt_stand_below_it_in_the_timeline_and_not_in_the_log(settings: Settings):
    async with running_service(settings) as service, operator(service) as browser:
        asked = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}
        run = await service.outcome("ai-content", asked)
        async with asyncio.timeout(10):  # lines are stored some moments later
            while "Chamada ao modelo" not in (page := (await browser.get(f"/runs/{run['id']}"))[1]):
                await asyncio.sleep(0.05)
        (call,) = re.findall(
            r'Tentativa 1</th>.*?<th scope="row" class="call">Chamada ao modelo</th>(.*?)</tr>', page, re.S
        )
        assert re.search(r"\d\d:\d\d:\d\d,\d{3}.*?fill accent.*?\d+ ms|s</td>", call, re.S)
        assert "openai responses" not in log_of(page)


async def test_what_is_written_down_is_masked_wherever_it_stands(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("monthly-report", OCTOBER)
        secrets = {"authorization": "Bearer s3cret", "dbPassword": "s3cret", "nested": [{"client_secret": "s3cret"}]}
        async with service.http.put(
            f"/api/v1/runs/{run_id}/metadata", json={"metadata": {**secrets, "step": 7}}
        ) as done:
            assert done.status == 200
        _, page = await browser.get(f"/runs/{run_id}")
        assert ("s3cret" in page, "dbPassword" in page, page.count("••••••••")) == (False, True, 3)


async def test_times_are_told_to_the_millisecond(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings, FrozenClock(NOW)) as service, operator(service) as browser:
        run_id = await service.trigger("monthly-report", OCTOBER)
        started, ended = NOW + timedelta(milliseconds=1234), NOW + timedelta(minutes=4, milliseconds=2345)
        await db.execute(
            """UPDATE jobs.runs SET status = 'COMPLETED', attempt = 1, started_at = $2, attempt_started_at = $2,
                                    finished_at = $3 WHERE id = $1""",
            run_id,
            started,
            ended,
        )
        await db.execute(
            """INSERT INTO jobs.attempts (run_id, number, status, started_at, finished_at)
               VALUES ($1, 1, 'COMPLETED', $2, $3)""",
            run_id,
            started,
            ended,
        )
        _, page = await browser.get(f"/runs/{run_id}")
        timeline = page.partition('data-part="timeline"')[2].partition("</section>")[0]
        for told in ("09:00:00,000", "09:00:01,234", "09:04:02,345", "1,234 s", "4 min 01,111 s", "4 min 02,345 s"):
            assert told in timeline, told
        assert re.search(r'<time [^>]*title="24/11/2026 09:00:00,000 \(São Paulo\)" data-ago>', page)


def test_precise_lengths_of_time():
    says = Formatter("pt", NOW)
    lengths = {0: "0 ms", 84: "84 ms", 2_309: "2,309 s", 249_007: "4 min 09,007 s", 3_725_500: "1 h 02 min 05,500 s"}
    assert {length: says.precise(timedelta(milliseconds=length)) for length in lengths} == lengths
    assert says.precise(timedelta(seconds=-1)) == "0 ms"


SHAPES = {
    "META_ADS_COPY": ('<article class="ad">', "Patrocinado", "Conheça o seu próximo celular"),
    "INSTAGRAM_CAPTION": ('<article class="post">', 'class="hashtags"', "Texto alternativo"),
    "FEED_STORIES": ('<ol class="stories">', "Texto na imagem:", "Texto de demonstração"),
    "BLOG_ARTICLE": ("Título do artigo", "/60", 'data-copy="#c-article-title"'),
    "YOUTUBE_SCRIPT": ("Dicas de gravação", "bytes"),
    "WHATSAPP_SALES_SCRIPT": ('<div class="chat">', "Mensagem de fechamento"),
    "CRM_FOLLOW_UP": ("touches", "Demonstração"),
}


@pytest.mark.parametrize("agent", SHAPES)
async def test_what_a_model_wrote_is_shown_with_its_limits(service: Service, agent: str):
    async with operator(service) as browser:
        payload = {"agencyId": "agency-123", "agentType": agent, "input": AGENTS[agent].example_input}
        run = await service.outcome("ai-content", payload)
        _, page = await browser.get(f"/runs/{run['id']}")
    content = page.partition('data-part="content"')[2].partition('</section><section class="card" id="log"')[0]
    assert all(part in content for part in SHAPES[agent]), content


async def test_all_five_ads_are_shown_and_the_bold_of_whatsapp_is_bold(service: Service, openai_double: OpenAIDouble):
    many = [f"Título de número {number}" for number in ("um", "dois", "três", "quatro", "cinco")]
    ads = COPY.example | {"headlines": many, "descriptions": [text.replace("Título", "Descrição") for text in many]}
    script = AGENTS["WHATSAPP_SALES_SCRIPT"]
    async with operator(service) as browser:
        for agent, content, told in (
            (COPY, ads, [*many, ads["descriptions"][4]]),
            (
                script,
                script.example | {"closing": "Fica *assim*? 2*3*4 <b>"},
                ["Fica <b><i>*</i>assim<i>*</i></b>? 2*3*4 &lt;b&gt;"],
            ),
        ):
            openai_double.says(content)
            payload = {"agencyId": "agency-123", "agentType": agent.type, "input": agent.example_input}
            run = await service.outcome("ai-content", payload)
            _, page = await browser.get(f"/runs/{run['id']}")
            preview = page.partition('class="preview"')[2].partition('class="blocks"')[0]
            assert all(text in preview for text in told), preview


async def test_a_run_is_found_by_a_part_of_its_id_its_batch_and_its_schedule(settings: Settings):
    async with running_service(settings) as service, operator(service) as browser:
        first = await service.trigger("monthly-report", OCTOBER)
        items = [{"task": "generate-monthly-reports", "payload": OCTOBER}] * 2
        status, batch = await service.post("/api/v1/tasks/batch", {"items": items})
        assert status == 200, batch
        together = [run["id"] for run in batch["runs"]]
        _, path = await browser.post("/schedules/sched_generate-monthly-reports/run")
        scheduled = path.rpartition("/")[2]
        for text in (first, first[:-3], f"…{first[-8:]}".replace("…", "%E2%80%A6"), first[-8:].upper()):
            assert first in await listed(browser, f"q={text}"), text
            assert scheduled not in await listed(browser, f"q={first[-8:]}")
        assert await listed(browser, f"q={batch['id']}") == sorted(together, reverse=True)
        assert f'href="/runs?q={batch["id"]}"' in (await browser.get(f"/runs/{together[0]}"))[1]
        assert await listed(browser, "q=sched_generate-monthly-reports") == [scheduled]
        assert await listed(browser, "q=batch_none") == await listed(browser, f"q={first[-8:]}&status=FAILED") == []


async def test_a_run_leads_to_the_ones_beside_it_in_the_list_it_was_opened_from(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        ids = [await service.trigger("monthly-report", OCTOBER, tags=["odd"] if n % 2 else []) for n in range(5)]

        async def beside(number: int, query: str = "") -> tuple[str | None, ...]:
            _, page = await browser.get(f"/runs/{ids[number]}{query}")
            found = [re.search(rf'href="/runs/(run_\w+)([^"]*)" [^>]*data-key="{key}"', page) for key in "kj"]
            assert all(link is None or link[2] == query for link in found)
            return tuple(link and link[1] for link in found)

        assert await beside(2) == (ids[3], ids[1])
        assert await beside(4) == (None, ids[3])
        assert await beside(0) == (ids[1], None)
        assert await beside(1, "?tag=odd") == (ids[3], None)
        assert await beside(2, "?tag=odd") == (ids[3], ids[1])
        _, page = await browser.get("/runs?tag=odd")
        assert f'href="/runs/{ids[3]}?tag=odd"' in page


@pytest.mark.parametrize(("length", "is_shown"), [(30_000, True), (120_000, False)])
async def test_a_long_output_is_a_file_of_its_own(settings: Settings, length: int, is_shown: bool):
    async def act(_: Any) -> Any:
        return {"text": "palavra " * (length // 8), "apiKey": "s3cret"}

    probe = Probe(act)
    async with running_service(settings, probe.jobs) as service, operator(service) as browser:
        run_id = await service.start(probe.job)
        await service.finished(run_id)
        _, page = await browser.get(f"/runs/{run_id}")
        assert page.count("palavra") == (length // 8 if is_shown else 0)
        assert len(page) < length + 30_000
        status, text = await browser.get(f"/runs/{run_id}/output.json")
    assert (status, text.count("palavra")) == (200, length // 8)
    assert "s3cret" not in page + text
