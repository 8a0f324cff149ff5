"""The pages of error groups."""

import re

import asyncpg
from support.browsing import operator, rows_of_all_pages, settled
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.settings import Settings

FUTURE = {"month": "2999-01"}
NOWHERE = {"month": "2026-10", "agencyId": "agency-nowhere"}


async def test_faults_are_listed_by_what_they_have_in_common(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, operator(service) as browser:
        assert "Nenhum erro aberto" in (await browser.get("/errors"))[1]
        for payload in (FUTURE, FUTURE, NOWHERE):
            await service.outcome("monthly-report", payload)
        _, page = await browser.get("/errors")
        assert len(re.findall(r"data-row=", page)) == 2
        assert re.search(r"month_in_future.*?2×.*?<td class=\"num\"[^>]*>2</td>", page, re.S)
        assert page.count('class="sparkline bad"') == 2
        assert "Primeira vez" in page
        fingerprint = await db.fetchval("SELECT fingerprint FROM jobs.error_groups WHERE code = 'agency_not_found'")
        for period in ("24h", "7d", "30d", "nonsense"):
            _, page = await browser.get(f"/errors/{fingerprint}?period={period}")
            for words in ("agency-nowhere", "agency_not_found", "Quando aconteceu", "Marcar como resolvido"):
                assert words in page, (period, words)
        assert "Nenhum erro aberto" in (await browser.get("/errors?task=generate-ai-content"))[1]
        assert (await browser.get("/errors/nothing"))[0] == (await browser.get("/errors/%00"))[0] == 404
        assert (await browser.post("/errors/nothing/resolve"))[0] == 404


async def test_a_resolved_group_is_open_again_when_its_fault_returns(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, operator(service) as browser:
        await service.outcome("monthly-report", FUTURE)
        fingerprint = await db.fetchval("SELECT fingerprint FROM jobs.error_groups")
        status, path = await browser.post(f"/errors/{fingerprint}/resolve")
        assert status == 303
        assert "Se voltar, reabre sozinho" in (await browser.get(path))[1]
        assert "Nenhum erro aberto" in (await browser.get("/errors"))[1]
        assert fingerprint in (await browser.get("/errors?state=resolved"))[1]
        await service.outcome("monthly-report", FUTURE)
        assert "Voltou" in (await browser.get("/errors"))[1]
        await browser.post(f"/errors/{fingerprint}/resolve")
        assert "Reaberto" in (await browser.get((await browser.post(f"/errors/{fingerprint}/reopen"))[1]))[1]
        browser.token = "stolen"
        assert (await browser.post(f"/errors/{fingerprint}/resolve"))[0] == 403
        assert await db.fetchval("SELECT resolved_at FROM jobs.error_groups") is None


async def test_all_of_a_group_are_replayed_once_after_a_question(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        async with running_worker(settings):
            for payload in (FUTURE, FUTURE, NOWHERE):
                await service.outcome("monthly-report", payload)
        fingerprint = await db.fetchval("SELECT fingerprint FROM jobs.error_groups WHERE code = 'month_in_future'")
        status, page = await browser.post(f"/errors/{fingerprint}/replay")
        assert (status, "Repetir 2 execuções?" in page) == (200, True)
        assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE source = 'replay'") == 0
        status, path = await browser.post(f"/errors/{fingerprint}/replay", {"confirmed": "1"})
        assert "Repetidas: 2" in await settled(browser, path)
        assert "Nada a repetir" in (await browser.post(f"/errors/{fingerprint}/replay"))[1]
        assert (await browser.post(f"/errors/{fingerprint}/replay", {"confirmed": "1"}))[0] == 409
        other = await db.fetchval("SELECT fingerprint FROM jobs.error_groups WHERE code = 'agency_not_found'")
        for agency, words in (("agency-123", "Nada a repetir"), ("agency-nowhere", "Repetir 1 execução?")):
            assert words in (await browser.post(f"/errors/{other}/replay", {"agency": agency}))[1]


async def test_pages_of_groups_follow_each_other_without_a_gap(settings: Settings, db: asyncpg.Connection):
    await db.execute(
        """INSERT INTO jobs.error_groups
             (fingerprint, task, type, message, count, first_seen_at, last_seen_at, last_run_id)
           SELECT 'f' || n, 't', 'E', '<script>alert(1)</script>', n, now(), now() - n / 3 * interval '1 s', 'run_1'
           FROM generate_series(1, 60) AS n"""
    )
    async with running_server(settings) as service, operator(service) as browser:
        seen = await rows_of_all_pages(browser, "/errors")
        assert (await browser.get("/errors?after=nonsense"))[0] == 200
    assert sorted(seen) == sorted(f"f{n}" for n in range(1, 61))
