"""The page of queues and workers, and the banner of what is held."""

import asyncio
import re

import asyncpg
from support.browsing import Browser, operator
from support.sdk import JOBS, released, running_with_test_jobs
from support.service import Service, running_server

from agenciaos_jobs.engine.queue import IDLE
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings

QUEUE = {"queue": "task/slow"}


async def row(browser: Browser, name: str) -> str:
    """The row of a queue or a worker."""
    _, page = await browser.get("/queues")
    return re.search(rf'<tr data-row="{re.escape(name)}">(.*?)</tr>', page, re.S)[1]


async def shown(browser: Browser, name: str, words: str) -> None:
    """Waits until a row has these words."""
    async with asyncio.timeout(20):
        while words not in await row(browser, name):
            await asyncio.sleep(0.05)


async def is_idle(service: Service, worker_id: str, expected: bool) -> None:
    """Waits until runs are handed to the worker, or no longer are."""
    async with asyncio.timeout(20):
        while await service.app[keys.QUEUE].redis.sismember(IDLE, worker_id) != expected:
            await asyncio.sleep(0.05)


async def test_a_queue_is_paused_and_resumed_and_a_banner_tells_of_it_on_every_page(settings: Settings):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        status, path = await browser.post("/queues/pause", QUEUE)
        assert (status, path) == (303, "/queues?done=paused")
        assert "Fila pausada: nada dela começa" in (await browser.get(path))[1]
        run_id = await service.start(JOBS["slow"], {"seconds": 0})
        await shown(browser, "task/slow", 'data-label="Aguardando">1')
        assert re.search(r"Pausada.*?por Painel.*?Retomar", await row(browser, "task/slow"), re.S)
        for page in ("/", "/runs", "/schedules", f"/runs/{run_id}"):
            banner = re.search(r'class="notice wait banner"(.*?)</aside>', (await browser.get(page))[1], re.S)[1]
            assert re.search(r"Fila pausada.*?\(.*?slow.*?: 1 aguarda", banner, re.S), page
        _, page = await browser.get(f"/runs/{run_id}")
        assert re.search(
            r"Por que está esperando.*?Fila pausada:.*?slow.*?por Painel.*?quando a fila for retomada", page, re.S
        )
        await browser.post("/queues/resume", QUEUE)
        assert (await service.finished(run_id))["status"] == "COMPLETED"
        _, page = await browser.get("/queues")
        assert ("banner" in page.replace('data-part="banner"', ""), "Pausada" in page) == (False, False)
        assert (await browser.post("/queues/pause", {"queue": "task/none"}))[0] == 404


async def test_queues_show_how_much_waits_for_how_long_and_how_much_comes(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service, operator(service) as browser:
        for _ in range(60):
            await service.trigger("monthly-report", {})
        await service.post(
            "/api/v1/tasks/generate-monthly-reports/trigger",
            {"payload": {}, "options": {"queue": {"name": "posts", "concurrencyLimit": 2}}},
        )
        await db.execute(
            "UPDATE jobs.runs SET created_at = created_at - interval '100 s', due_at = due_at - interval '100 s'"
        )
        cells = re.sub(r"<[^>]+>", " ", await row(browser, "task/generate-monthly-reports"))
        assert re.search(r"Ativa\s+60\s+há até\s+1 min 4\d s\s+0\s+60\s+1 min 4\d s", cells), cells
        assert re.search(r"posts.*?fila nomeada no disparo.*?limite 2", await row(browser, "posts"), re.S)
        _, page = await browser.get("/queues?q=POST")
        assert re.findall(r'data-row="([^"]+)"', page) == ["posts"]
        assert "Nenhuma fila com este nome" in (await browser.get("/queues?q=nothing"))[1]
        assert "Nenhum worker ativo" in page


async def test_a_drained_worker_finishes_what_it_executes_and_starts_nothing_until_it_is_used_again(
    settings: Settings, db: asyncpg.Connection
):
    released.clear()
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        under_way = await service.start(JOBS["slow"], {"until": "end"})
        await service.reaches(under_way, lambda run: run["isExecuting"])
        worker_id = await db.fetchval("SELECT id FROM jobs.workers")
        text = re.sub(r"<[^>]+>", " ", await row(browser, worker_id))
        slots = settings.worker_max_jobs
        assert re.search(rf"pid \d+.*?Ativo\s+1\s+/ {slots}\s+….{{8}}\s+slow\s+há .*? MB.*?Drenar", text), text
        await is_idle(service, worker_id, True)
        status, path = await browser.post(f"/queues/workers/{worker_id}/drain")
        assert (status, path) == (303, "/queues?done=drained")
        await is_idle(service, worker_id, False)
        waiting = await service.start(JOBS["slow"], {"seconds": 0})
        await shown(browser, worker_id, "Drenando")
        _, page = await browser.get(f"/runs/{waiting}")
        assert "Todos os workers estão drenando" in page
        released.add("end")
        assert (await service.finished(under_way))["status"] == "COMPLETED"
        await shown(browser, worker_id, "Drenado")
        assert (await service.run(waiting))["status"] == "QUEUED"
        await browser.post(f"/queues/workers/{worker_id}/end-drain")
        assert (await service.finished(waiting))["status"] == "COMPLETED"
        assert "Ativo" in await row(browser, worker_id)


async def test_only_our_own_pages_act_on_queues_and_workers_and_only_on_those_there_are(settings: Settings):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        for act in ("drain", "end-drain"):
            assert (await browser.post(f"/queues/workers/worker_none/{act}"))[0] == 404
        browser.token = "stolen"
        for path in ("/queues/pause", "/queues/resume", "/queues/workers/x/drain", "/queues/workers/x/end-drain"):
            assert (await browser.post(path, QUEUE))[0] == 403, path


async def test_drained_workers_do_not_count_as_workers(settings: Settings, db: asyncpg.Connection):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        assert "Nenhum worker ativo" not in (await browser.get("/"))[1]
        await browser.post(f"/queues/workers/{await db.fetchval('SELECT id FROM jobs.workers')}/drain")
        assert "Nenhum worker ativo" in (await browser.get("/"))[1]


async def test_a_banner_tells_how_many_runs_wait_for_a_model_that_does_not_answer(
    settings: Settings, db: asyncpg.Connection
):
    await db.execute("""
      INSERT INTO jobs.ai_brakes (model, tokens, counted_at, open_since)
      VALUES ('openai:gpt-5', 0, now(), '2026-11-28 12:14Z'), ('provider:guru', 0, now(), '2026-11-28 12:15Z')""")
    async with running_server(settings) as service, operator(service) as browser:
        run_id = await service.trigger("monthly-report", {})
        reason = '{"key": "openai:gpt-5", "pt": "OpenAI fora do ar", "en": "OpenAI is down"}'
        await db.execute("UPDATE jobs.runs SET waits_for = $1, waits_since = now() - interval '90 s'", reason)
        _, page = await browser.get("/")
        assert re.search(r"OpenAI fora do ar</strong> desde 09:14 \(gpt-5\): 1 aguarda · retomam sozinhas", page)
        assert re.search(r"Guru fora do ar</strong> desde 09:15: 0 aguardam", page)
        _, page = await browser.get(f"/runs/{run_id}")
        assert re.search(r"<strong>OpenAI fora do ar</strong>.*?há .*?1 min 3\d s.*?continua sozinha", page, re.S)
