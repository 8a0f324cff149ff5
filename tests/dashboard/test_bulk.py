"""One thing done to many runs."""

import asyncio
import re

import asyncpg
import pytest
from support.browsing import operator, settled
from support.sdk import JOBS, running_with_test_jobs
from support.service import Service, running_server, running_worker

from agenciaos_jobs.engine.bulk import CLAIM_TIMEOUT
from agenciaos_jobs.engine.store import bulk
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings

REPORT = {"month": "2026-10"}


async def trigger(service: Service, count: int, **options) -> list[str]:
    return [await service.trigger("monthly-report", REPORT, **options) for _ in range(count)]


async def test_ticked_runs_are_canceled_with_a_result_each(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        run_ids = await trigger(service, 3)
        other = (await trigger(service, 1))[0]
        await service.post(f"/api/v2/runs/{run_ids[0]}/cancel", {})
        chosen = [("run", run_id) for run_id in [*run_ids, "run_nope"]]
        status, path = await browser.post("/runs/bulk", [*chosen, ("action", "cancel")])
        assert status == 303
        page = await settled(browser, path)
        for words in ("2 canceladas", "1 já tinha terminado", "1 com problema", "Terminou com falhas"):
            assert words in page, words
        assert "a execução não existe mais" in page
        assert [(await service.run(run_id))["status"] for run_id in run_ids] == ["CANCELED"] * 3
        assert (await service.run(other))["status"] == "QUEUED"


@pytest.mark.slow
async def test_all_that_a_filter_finds_are_replayed_after_a_question(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        wanted = await trigger(service, 60, tags=["again"])
        await trigger(service, 2, tags=["again"], delay="1h")
        async with running_worker(settings):
            for run_id in wanted:
                await service.finished(run_id)
        fields = {"action": "replay-all", "tag": "again"}
        status, page = await browser.post("/runs/bulk", fields)
        assert (status, "Repetir 60 execuções?" in page) == (200, True)
        _, path = await browser.post("/runs/bulk", {**fields, "confirmed": "1"})
        page = await settled(browser, path)
        assert "60 em andamento" in page
        again = set(re.findall(r'href="/runs/(run_\w+)"', page)) - set(wanted)
        assert len(again) == 60
        assert {(await service.run(run_id))["tags"][0] for run_id in again} == {"again"}
        status, page = await browser.post("/runs/bulk", {"action": "cancel-all", "task": "process-payment-webhook"})
        assert "Nenhuma execução a mudar" in page


async def test_a_replay_is_followed_to_the_end_of_its_new_runs(settings: Settings):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        failed = [await service.start(JOBS["fail"], {}) for _ in range(2)]
        written = await service.start(JOBS["echo"], {})
        for run_id in (*failed, written):
            await service.finished(run_id)
        chosen = [("run", run_id) for run_id in (*failed, written)]
        _, path = await browser.post("/runs/bulk", [*chosen, ("action", "replay")])
        async with asyncio.timeout(10):
            while "Terminou com falhas" not in (page := (await browser.get(path))[1]):
                await asyncio.sleep(0.02)
        for words in ("1 ok", "2 falharam de novo", "3 / 3", '<progress class="near"', "no_good"):
            assert words in page, words
        assert re.findall(r'data-row="(\w+)"', page) == [*failed[::-1], written]
        _, page = await browser.get(f"{path}?only=failed_again")
        assert set(re.findall(r'data-row="(\w+)"', page)) == set(failed)
        again = set(re.findall(r'href="/runs/(run_\w+)"', page)) - set(failed)
        assert {(await service.run(run_id))["status"] for run_id in again} == {"FAILED"}
        _, path = await browser.post("/runs/bulk", [("run", written), ("action", "replay")])
        async with asyncio.timeout(10):
            while '<progress class="good"' not in (page := (await browser.get(path))[1]):
                await asyncio.sleep(0.02)
        assert ("1 ok" in page, "Pronto" in page) == (True, True)


async def test_nothing_chosen_is_said(settings: Settings):
    async with running_server(settings) as service, operator(service) as browser:
        for fields in ({"action": "cancel"}, {"action": "delete", "run": "run_1"}, {}):
            assert (await browser.post("/runs/bulk", fields))[0] == 400
        assert (await browser.get("/bulk/bulk_nope"))[0] == 404


async def test_what_one_server_left_the_next_one_finishes_and_no_run_is_replayed_twice(
    settings: Settings, db: asyncpg.Connection
):
    async with running_server(settings) as service:
        run_ids = await trigger(service, 5)
        app = service.app
        now = app[keys.CLOCK].now()
        await bulk.start(app[keys.DATABASE], "bulk_1", "replay", run_ids, now)
        # Two were in hand when the server died: one of them had been replayed already.
        await bulk.take(app[keys.DATABASE], "bulk_1", now - 2 * CLAIM_TIMEOUT, now - 3 * CLAIM_TIMEOUT, 2)
        await app[keys.CONTROL].replay(run_ids[0], idempotency_key=f"bulk_1:{run_ids[0]}")
    async with running_server(settings) as service, operator(service) as browser:
        page = await settled(browser, "/bulk/bulk_1")
        assert ("5 em andamento" in page, '<strong class="num">0 / 5' in page) == (True, True)
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE replay_of IS NOT NULL") == 5
