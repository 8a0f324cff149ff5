"""The pages of error groups."""

import re
from html import unescape

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
        assert "2 em andamento" in await settled(browser, path)
        assert "Nada a repetir" in (await browser.post(f"/errors/{fingerprint}/replay"))[1]
        assert (await browser.post(f"/errors/{fingerprint}/replay", {"confirmed": "1"}))[0] == 409
        other = await db.fetchval("SELECT fingerprint FROM jobs.error_groups WHERE code = 'agency_not_found'")
        for agency, words in (("agency-123", "Nada a repetir"), ("agency-nowhere", "Repetir 1 execução?")):
            assert words in (await browser.post(f"/errors/{other}/replay", {"agency": agency}))[1]


async def test_an_hour_s_failures_of_one_agency_are_selected_by_links_and_replayed(
    settings: Settings, db: asyncpg.Connection
):
    async with running_server(settings) as service, operator(service) as browser:
        async with running_worker(settings):
            runs = {
                (agency, hours): (await service.outcome("monthly-report", FUTURE | {"agencyId": agency}))["id"]
                for agency, hours in (("agency-123", 0), ("agency-124", 0), ("agency-124", 3), ("agency-gone", 3))
            }
        for (_, hours), run_id in runs.items():
            await db.execute(
                "UPDATE jobs.runs SET finished_at = finished_at - $2 * interval '1 h' WHERE id = $1", run_id, hours
            )
        path = f"/errors/{await db.fetchval('SELECT fingerprint FROM jobs.error_groups')}"
        _, page = await browser.get(path)
        table = page.partition('class="chart-table"')[2].partition("</details>")[0]
        newest, oldest = (unescape(link) for link in re.findall(r'<a href="(\?[^"]+)"', table))
        _, page = await browser.get(path + oldest)
        assert set(re.findall(r'data-row="(run_\w+)"', page)) == {run for (_, hours), run in runs.items() if hours}
        assert set(re.findall(r'data-row="(agency-\w+)"', page)) == {"agency-124", "agency-gone"}
        assert "Agência excluída ou desconhecida" in page
        (agency,) = (unescape(link) for link in re.findall(r'<a href="(\?[^"]+agency=agency-124)"', page))
        _, page = await browser.get(path + agency)
        assert re.findall(r'data-row="(run_\w+)"', page) == [runs["agency-124", 3]]
        chosen = page.partition('data-part="selection"')[2].partition("</form>")[0]
        fields = dict(re.findall(r'name="(from|to|agency|period)" value="([^"]+)"', chosen))
        assert fields.keys() == {"from", "to", "agency", "period"}
        assert "Repetir 1 execução?" in (await browser.post(f"{path}/replay", fields))[1]
        _, bulk = await browser.post(f"{path}/replay", fields | {"confirmed": "1"})
        assert runs["agency-124", 3] in await settled(browser, bulk)
        assert "Nada a repetir" in (await browser.post(f"{path}/replay", fields))[1]
        _, page = await browser.post(f"{path}/replay", fields | {"agency": ""})
        assert "Repetir 1 execução?" in page
        assert newest != oldest
        for nonsense in ("from=soon&to=2026", "from=0001-01-01T00:00Z", "agency=%00x"):
            assert (await browser.get(f"{path}?{nonsense}"))[0] in {200, 400}


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
