"""Finding runs: by their words and by more filters, agencies by name, saved views, and what a row shows."""

import asyncio
import json
import re
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from support.browsing import Browser, operator
from support.service import running_server, running_service

from agenciaos_jobs.dashboard.run_names import NAMES
from agenciaos_jobs.dashboard.store.find import MAX_VIEWS
from agenciaos_jobs.engine.store.search import index
from agenciaos_jobs.foundation import redact
from agenciaos_jobs.foundation.clock import SystemClock, make_id
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.http.keys import DATABASE
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

AI = {
    "agencyId": "agency-123",
    "agentType": "META_ADS_COPY",
    "userId": "user-77",
    "input": {"produto": "Promoção de Tênis", "accessToken": "segredo123", "nivel": {"publico": ["São-Joaninos"]}},
}


def ids(page: str) -> list[str]:
    return re.findall(r'data-row="(run_\w+)"', page)


async def found(browser: Browser, query: str) -> list[str]:
    status, page = await browser.get(f"/runs?{query}")
    assert status == 200, page
    return ids(page)


async def indexed(db: asyncpg.Connection, database: Database) -> int:
    """Fills the search as a worker would, of which none is at work."""
    await db.execute("UPDATE jobs.run_search_progress SET newest = '', oldest = ''")
    later = SystemClock().now() + index._COMMIT_GRACE
    while await index.fill(database, later):
        pass
    return int(await db.fetchval("SELECT count(*) FROM jobs.run_search"))


@pytest.mark.parametrize("is_indexed", [False, True], ids=["read", "indexed"])
async def test_a_run_is_found_by_what_it_contains(settings: Settings, db: asyncpg.Connection, is_indexed: bool):
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("ai-content", AI, tags=["verão-2026"])
        other = await service.trigger("monthly-report", {"month": "2026-10"})
        await end(db, run_id, output={"titulo": "Corra já — vá!"}, error="o limite do plano acabou")
        await end(db, other)
        if is_indexed:
            assert await indexed(db, service.app[DATABASE]) == 2
        for words in (
            *("promocao", "PROMOÇÃO tenis", "tên", "são-joaninos", "user-77", "aurora", "Agência AURORA promo"),
            *("verao-2026", "corra", "limite do plano", run_id, run_id[-8:], run_id[4:16], "agency-123"),
        ):
            assert await found(browser, f"q={words}") == [run_id], words
        for words in ("segredo123", "nada", "promo outra", "%25", "ocao", "or 1=1", "'", "%26", "!tenis"):
            expected = [run_id] if words == "!tenis" else []
            assert await found(browser, f"q={words}") == expected, words
        for filters in ("agent=META_ADS_COPY", "queue=task/generate-ai-content", "status=FAILED", "tag=verão-2026"):
            assert await found(browser, filters) == [run_id], filters
            assert await found(browser, f"{filters}&q=promo&source=api&task=generate-ai-content") == [run_id], filters
            assert await found(browser, f"{filters}&q=relatorio") == [], filters
        assert await found(browser, f"q={run_id}&agent=META_ADS_COPY") == [run_id]
        assert await found(browser, f"q={run_id}&queue=other") == []


async def end(db: asyncpg.Connection, run_id: str, output: Any = None, error: str = "") -> None:
    await db.execute(
        """UPDATE jobs.runs SET status = $2, output = $3, started_at = created_at, finished_at = now(), attempt = 1,
             error = CASE WHEN $4 <> '' THEN jsonb_build_object('type', 'E', 'message', $4::text) END WHERE id = $1""",
        run_id,
        "FAILED" if error else "COMPLETED",
        json.dumps(output) if output else None,
        error,
    )


@pytest.mark.slow
async def test_a_worker_fills_the_search_after_the_end_of_a_run(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, operator(service) as browser:
        run_id = (await service.outcome("monthly-report", {"month": "2026-09"}))["id"]
        async with asyncio.timeout(20):  # five seconds of grace for late commits, and two rounds of housekeeping
            while not await db.fetchval("SELECT EXISTS (SELECT FROM jobs.run_search WHERE run_id = $1)", run_id):
                await asyncio.sleep(0.1)
        assert await db.fetchval("SELECT count(*) FROM jobs.run_search_queue WHERE run_id = $1", run_id) == 0
        assert await found(browser, "q=2026-09") == [run_id]


async def test_open_runs_wait_their_turn_and_late_ones_are_not_missed(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service:
        database, later = service.app[DATABASE], SystemClock().now() + index._COMMIT_GRACE
        open_run = await service.trigger("monthly-report", {})
        late = await service.trigger("monthly-report", {})
        await end(db, late)
        assert await indexed(db, database) == 1
        queued = await db.fetch("SELECT run_id, due_at > $1 AS is_later FROM jobs.run_search_queue", later)
        assert [tuple(row) for row in queued] == [(open_run, True)]
        await db.execute("DELETE FROM jobs.run_search")
        await db.execute("UPDATE jobs.run_search_progress SET newest = $1", late + "0")
        await index.enlist_missed(database, later)
        await index.fill(database, later)
        assert await db.fetchval("SELECT run_id FROM jobs.run_search") == late


async def test_the_search_leaves_out_what_the_pages_mask(db: asyncpg.Connection):
    body = await db.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'text_of'")
    assert f"'{redact._SECRET_NAME.pattern}'" in body


async def test_a_word_that_many_runs_share_is_found_among_the_newest(settings: Settings, db: asyncpg.Connection):
    await db.execute(
        """INSERT INTO jobs.run_search (run_id, words)
           SELECT 'run_' || lpad(n::text, 26, '0'),
                  CASE WHEN n < 22000 THEN 'old' WHEN n = 22500 THEN 'rare' ELSE 'new' END::tsvector
           FROM generate_series(1, 25000) AS n"""
    )
    search = "SELECT jobs.search_indexed('run_', 'run_~', $1::text::tsquery, NULL, $2, 51)"
    for words, is_newest, expected in (
        ("new", True, [*range(25000, 24949, -1)]),
        ("rare", True, [22500]),
        ("old", True, [*range(21999, 21948, -1)]),
        ("old", False, [*range(1, 52)]),
        ("none", True, []),
    ):
        ids = await db.fetchval(search, words, is_newest)
        assert [int(run_id[4:]) for run_id in ids] == expected, words


async def test_an_agency_is_named_by_any_part_of_its_name(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("ai-content", AI)
        for text in ("aurora", "AGÊNCIA aurora", "agência aurora"):
            status, path = await browser.get(f"/runs?agency={text}&status=open")
            assert (status, path) == (303, "/runs?agency=agency-123&status=open"), text
        _, page = await browser.get("/runs?agency=agency-123&status=open")
        assert ids(page) == [run_id]
        assert "<b>Agência Aurora</b>" in page
        assert 'value="Agência Aurora"' in page
        status, page = await browser.get("/runs?agency=a")
        assert (status, "Qual destas agências?" in page) == (200, True)
        assert 'href="/runs?agency=agency-124"' in page
        status, page = await browser.get("/runs?agency=ninguém")
        assert (status, "Nenhuma agência com este nome ou id" in page) == (200, True)
        status, page = await browser.get("/runs?tag=inédita")
        assert (status, "Nenhuma execução com esta etiqueta" in page) == (200, True)


async def test_fields_suggest_what_there_is(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        await service.trigger("ai-content", AI, tags=["verão", "inverno"])

        async def suggested(field: str, text: str) -> list[str]:
            status, body = await browser.get(f"/suggestions/{field}?text={text}")
            return json.loads(body) if status == 200 else [str(status)]

        assert await suggested("tag", "") == ["inverno", "verão"]
        assert await suggested("tag", "ver") == ["verão"]
        assert await suggested("agency", "auro") == ["Agência Aurora"]
        assert await suggested("queue", "monthly") == ["task/generate-monthly-reports"]
        assert await suggested("other", "") == ["404"]
        _, page = await browser.get("/runs")
        assert '<option value="inverno">' in page


async def test_days_are_those_of_sao_paulo_and_include_the_last(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        _, page = await browser.get("/runs?from=2026-11-01&to=2026-11-03")
        assert "De:</span><b>1 nov</b>" in page
        assert "Até:</span><b>3 nov</b>" in page
        within = [datetime(2026, 11, 4, 2, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, 3, tzinfo=UTC)]
        outside = [datetime(2026, 11, 4, 3, tzinfo=UTC), datetime(2026, 11, 1, 2, 59, 59, tzinfo=UTC)]
        made = {moment: make_id("run", moment, 0) for moment in (*within, *outside)}
        await db.execute(
            """INSERT INTO jobs.runs (id, task, status, payload, source, max_attempts, max_duration, created_at,
                                     updated_at, due_at)
               SELECT id, 'generate-monthly-reports', 'QUEUED', '{}', 'api', 1, 60, now(), now(), now()
               FROM unnest($1::text[]) AS id""",
            list(made.values()),
        )
        assert await found(browser, "from=2026-11-01&to=2026-11-03") == [made[moment] for moment in within]
        assert len(await found(browser, "from=amanhã&to=2026-99-99")) == 4


async def test_views_are_saved_by_name_replaced_and_deleted(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        view = {
            "name": "  Falhas da  Aurora ",
            "status": "failures",
            "agency": "agency-123",
            "since": "run_1",
            "other": "x",
        }
        status, path = await browser.post("/views", view)
        assert (status, path) == (303, "/runs?status=failures&agency=agency-123&done=saved")
        _, page = await browser.get("/runs")
        assert '<a href="/runs?agency=agency-123&amp;status=failures">Falhas da Aurora</a>' in page
        await browser.post("/views", {"name": "Falhas da Aurora", "q": "limite"})
        assert '<a href="/runs?q=limite">Falhas da Aurora</a>' in (await browser.get("/runs"))[1]
        for wrong in ({"name": " ", "q": "x"}, {"name": "x"}):
            assert (await browser.post("/views", wrong))[0] == 400
        assert await browser.post("/views/delete", {"name": "Falhas da Aurora"}) == (303, "/runs?done=deleted")
        assert await db.fetchval("SELECT count(*) FROM jobs.saved_views") == 0
        await db.execute(
            "INSERT INTO jobs.saved_views SELECT n::text, '{}', now() FROM generate_series(1, $1::int) AS n", MAX_VIEWS
        )
        assert (await browser.post("/views", {"name": "one more", "q": "x"}))[0] == 409
        assert (await browser.post("/views", {"name": "7", "q": "x"}))[0] == 303


async def test_rows_and_pages_name_what_a_run_is(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        made = await service.trigger("ai-content", AI)
        monthly = await service.trigger("monthly-report", {"month": "2026-10", "agencyId": "agency-gone"})
        await db.execute(
            """INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests,
                 input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost, created_at)
               VALUES ($1, 1, 'agency-123', 'META_ADS_COPY', 'completed', 'm', 1, 1, 0, 1, 0, 1.25, now())""",
            made,
        )
        _, page = await browser.get("/runs")
        for words in ("Copy para anúncios no Meta Ads</a>", "Promoção de Tênis", "Agência Aurora", "US$ 1,25"):
            assert words in page, words
        for words in ("Relatórios de outubro de 2026</a>", "Agência excluída ou desconhecida"):
            assert words in page, words
        assert "segredo123" not in page
        _, page = await browser.get(f"/runs/{made}")
        assert "<title>Copy para anúncios no Meta Ads · Agência Aurora" in page
        _, page = await browser.get(f"/runs/{monthly}")
        assert "<h1>Relatórios de outubro de 2026 · Agência excluída ou desconhecida</h1>" in page
    assert NAMES.keys() <= JOBS.keys()
