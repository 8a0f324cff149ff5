"""The timeline of a run's page as a trace: what an attempt called, waited for and triggered stands below it."""

import asyncio
import re
from typing import Any

import asyncpg
from support.browsing import Browser, operator
from support.probe import Probe
from support.sdk import JOBS, running_with_test_jobs
from support.service import running_service

from agenciaos_jobs.settings import Settings


async def steps(browser: Browser, run_id: str, *, statements: bool = False) -> list[str]:
    """The names of the timeline's rows, those of parts indented. Any statement may take long on a busy machine."""
    _, page = await browser.get(f"/runs/{run_id}")
    timeline = page.partition('data-part="timeline"')[2].partition("</section>")[0]
    rows = re.findall(r'<th scope="row"( class="call")?>(?:<i[^>]*></i>)?([^<]+)', timeline)
    names = [f"  {name.strip()}" if nested else name.strip() for nested, name in rows]
    return [name for name in names if statements or "sql" not in name.lower()]


async def test_a_wait_for_a_token_is_part_of_its_attempt(settings: Settings, db: asyncpg.Connection):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        ids = [await service.start(JOBS["approve"], {}) for _ in range(2)]
        for run_id in ids:
            await service.reaches(run_id, lambda run: run["isWaiting"])
            expected = ["Disparada", "Na fila", "Tentativa 1", "  Espera por um token"]
            assert await steps(browser, run_id) == expected
        token = await db.fetchval("SELECT token_id FROM jobs.wait_token_runs WHERE run_id = $1", ids[0])
        await browser.post(f"/runs/{ids[0]}/tokens/{token}", {})
        await service.finished(ids[0])
        assert await steps(browser, ids[0]) == [*expected, "Concluída"]
        await db.execute("DELETE FROM jobs.wait_tokens WHERE id <> $1", token)
        assert await steps(browser, ids[1]) == [*expected[:-1], "  Espera por algo de fora"]


async def test_runs_that_a_job_triggers_stand_below_the_attempt_and_lead_back(settings: Settings):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        run_id = await service.start(JOBS["parent"], {})
        children = (await service.finished(run_id))["output"]["children"]
        for child in children:
            await service.finished(child)
        assert await steps(browser, run_id) == [
            *("Disparada", "Na fila", "Tentativa 1", "  echo", "  fail", "Concluída"),
        ]
        _, page = await browser.get(f"/runs/{run_id}")
        timeline = page.partition('data-part="timeline"')[2].partition("</section>")[0]
        assert re.findall(r'href="/runs/(run_\w+)"', timeline) == children
        assert re.findall(r'class="badge (\w+)">', timeline) == ["good", "bad"]
        for child in children:
            assert f'href="/runs/{run_id}"' in (await browser.get(f"/runs/{child}"))[1]


async def test_the_wait_of_a_job_to_begin_is_part_of_the_wait_before_its_attempt(
    settings: Settings, db: asyncpg.Connection
):
    async with running_with_test_jobs(settings) as service, operator(service) as browser:
        run_id = await service.start(JOBS["fail"], {"twice": True})
        await service.finished(run_id)
        attempts = ["Tentativa 1", "Espera", "Tentativa 2"]
        assert await steps(browser, run_id) == ["Disparada", "Na fila", *attempts, "Falhou"]
        await db.execute(
            "UPDATE jobs.runs SET waits_since = attempt_started_at - interval '1 ms' WHERE id = $1", run_id
        )
        attempts.insert(2, "  Espera para começar")
        assert await steps(browser, run_id) == ["Disparada", "Na fila", *attempts, "Falhou"]


async def test_statements_of_an_attempt_that_take_long_are_parts_of_it(settings: Settings):
    async def act(context: Any) -> None:
        async with context.database.transaction() as connection:
            await connection.execute("SELECT pg_sleep(0.02)")
            await connection.execute("SELECT 1")

    probe = Probe(act)
    async with running_service(settings, probe.jobs) as service, operator(service) as browser:
        run_id = await service.start(probe.job)
        await service.finished(run_id)
        async with asyncio.timeout(10):  # parts are stored some moments later
            while len(found := await steps(browser, run_id, statements=True)) < 5:
                await asyncio.sleep(0.05)
    assert found[:4] == ["Disparada", "Na fila", "Tentativa 1", "  Comando SQL"]
