"""The page of schedules."""

import re
from datetime import UTC, datetime

import asyncpg
from support.browsing import operator
from support.clock import FrozenClock
from support.service import Service, running_server, running_service, running_worker

from agenciaos_jobs.settings import Settings

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
DECLARED = "sched_generate-monthly-reports"


async def made(service: Service, **changes: str) -> str:
    """The id of a schedule that was made over the API."""
    asked = {"task": "generate-monthly-reports", "cron": "30 8 * * 1", "timezone": "America/Sao_Paulo"}
    status, schedule = await service.post("/api/v1/schedules", {**asked, "deduplicationKey": "k", **changes})
    assert status == 200, schedule
    return schedule["id"]


async def test_schedules_tell_when_they_fire_and_what_came_of_it(settings: Settings):
    clock = FrozenClock(NOW)
    async with running_server(settings, clock) as service, operator(service) as browser:
        assert "Nenhum agendamento ainda" in (await browser.get("/schedules"))[1]
        async with running_worker(settings, clock=clock):
            pass
        await made(service, externalId="agency-124")
        _, page = await browser.get("/schedules")
        assert re.findall(r'data-row="(sched_[\w-]+)"', page)[0] == DECLARED
        for words in (
            "Às 06:00, no dia 1 do mês",
            "0 6 1 * *",
            "01/12/2026 06:00",
            "do código",
            "ainda nenhuma: a primeira",
        ):
            assert words in page, words
        assert re.search(r"agency-124.*?Às 08:30.*?segunda-feira.*?30/11/2026 08:30", page, re.S)
        assert f"/schedules/{DECLARED}/deactivate" not in page
        _, page = await browser.get("/schedules", **{"Accept-Language": "en"})
        assert "At 06:00, on day 1 of the month" in page


async def test_a_schedule_is_turned_off_and_on_unless_its_job_declares_it(settings: Settings):
    async with running_service(settings) as service, operator(service) as browser:
        schedule_id = await made(service)
        for action, is_active, words in (
            ("deactivate", False, "Agendamento desligado"),
            ("activate", True, "Agendamento ligado"),
        ):
            status, path = await browser.post(f"/schedules/{schedule_id}/{action}")
            assert (status, words in (await browser.get(path))[1]) == (303, True)
            assert (await service.get(f"/api/v1/schedules/{schedule_id}"))[1]["active"] is is_active
        assert (await browser.post(f"/schedules/{DECLARED}/deactivate"))[0] == 409
        assert (await browser.post("/schedules/sched_none/activate"))[0] == 404
        browser.token = "stolen"
        assert (await browser.post(f"/schedules/{schedule_id}/deactivate"))[0] == 403


async def test_a_schedule_runs_now_and_keeps_its_slots(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service, operator(service) as browser:
        schedule_id = await made(service)
        for name in (DECLARED, schedule_id):
            before = await db.fetchrow("SELECT last_slot, next_slot FROM jobs.schedules WHERE id = $1", name)
            status, path = await browser.post(f"/schedules/{name}/run")
            assert status == 303
            run = await service.finished(path.rpartition("/")[2])
            assert run["status"] == "COMPLETED"
            assert run["payload"].get("scheduleId") == (None if name == DECLARED else schedule_id)
            assert await db.fetchrow("SELECT last_slot, next_slot FROM jobs.schedules WHERE id = $1", name) == before
        _, page = await browser.get("/schedules")
        assert page.count("Concluída") == 2
        await db.execute("UPDATE jobs.schedules SET task = 'gone' WHERE id = $1", schedule_id)
        assert "Executar agora" in (await browser.get("/schedules"))[1]
        assert (await browser.post(f"/schedules/{schedule_id}/run"))[0] == 409
