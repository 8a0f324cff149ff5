"""Schedules over the API: what they are, and the one run that each slot makes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.clock import FrozenClock
from support.service import Service, running_server, running_service, running_worker

from agenciaos_jobs.engine.scheduler import declared
from agenciaos_jobs.registry import JOBS
from agenciaos_jobs.settings import Settings

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAILY = {
    "task": "generate-monthly-reports",
    "cron": "0 10 * * *",
    "timezone": "America/Sao_Paulo",
    "deduplicationKey": "k",
}
DECLARED = "sched_generate-monthly-reports"


async def create(service: Service, **changes: Any) -> dict[str, Any]:
    status, schedule = await service.post("/api/v1/schedules", DAILY | changes)
    assert status == 200, schedule
    return schedule


async def delete(service: Service, path: str) -> tuple[int, dict[str, Any]]:
    async with service.http.delete(path) as response:
        return response.status, await response.json()


async def put(service: Service, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    async with service.http.put(path, json=body) as response:
        return response.status, await response.json()


async def test_a_schedule_fires_once_a_slot_with_what_its_task_reads(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with running_service(settings, clock=clock) as service:
        schedule = await create(service, externalId="agency-123")
        assert schedule["nextRun"] == "2026-11-24T13:00:00Z"
        async with running_worker(settings, clock=clock):
            for day in (24, 25):
                clock.set(datetime(2026, 11, day, 13, 0, tzinfo=UTC))
                run_id = await made(db, day - 23)
                run = await service.finished(run_id)
    assert run["status"] == "COMPLETED"
    assert run["payload"] == {
        "scheduleId": schedule["id"],
        "type": "IMPERATIVE",
        "timestamp": "2026-11-25T13:00:00.000Z",
        "lastTimestamp": "2026-11-24T13:00:00.000Z",
        "externalId": "agency-123",
        "timezone": "America/Sao_Paulo",
        "upcoming": [f"2026-11-{day}T13:00:00.000Z" for day in range(26, 31)],
    }
    assert run["schedule"]["id"] == schedule["id"]


async def made(db: asyncpg.Connection, count: int) -> str:
    """The newest run of a schedule over the API (jobs' own have their task in their id), once there are so many."""
    async with asyncio.timeout(10):
        while True:
            runs = await db.fetch("SELECT id FROM jobs.runs WHERE schedule_id NOT LIKE '%-%' ORDER BY id DESC")
            assert len(runs) <= count
            if len(runs) == count:
                return runs[0]["id"]
            await asyncio.sleep(0.05)


async def test_after_an_outage_a_schedule_catches_up_once_and_a_rested_one_does_not(
    settings: Settings, db: asyncpg.Connection
):
    clock = FrozenClock(NOON)
    async with running_server(settings, clock) as service:
        schedule, rested = await create(service), await create(service, deduplicationKey="rested")
        path = f"/api/v1/schedules/{rested['id']}"
        _, rested = await service.post(f"{path}/deactivate", {})
        assert (rested["active"], "nextRun" in rested) == (False, False)
        clock.set(NOON + timedelta(days=3))
        async with running_worker(settings, clock=clock) as worker:
            assert (await service.run(await made(db, 1)))["payload"]["scheduleId"] == schedule["id"]
            _, rested = await service.post(f"{path}/activate", {})
            assert (rested["active"], rested["nextRun"]) == (True, "2026-11-27T13:00:00Z")
            await worker.ctx["worker"].scheduler.fire_due()
            await made(db, 1)
            clock.set(NOON + timedelta(days=4))
            await made(db, 3)


async def test_many_workers_make_one_run_a_slot(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with running_server(settings, clock) as service:
        await create(service)
        async with running_worker(settings, clock=clock) as one, running_worker(settings, clock=clock) as other:
            clock.set(NOON + timedelta(hours=1))
            schedulers = [worker.ctx["worker"].scheduler for worker in (one, other)]
            await asyncio.gather(*[scheduler.fire_due() for scheduler in schedulers * 10])
            await made(db, 1)


async def test_a_change_of_time_takes_effect_from_then_on(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with running_server(settings, clock) as service:
        first = await create(service)
        again = await create(service, cron="30 10 * * *", externalId="x")
        assert (again["id"], again["nextRun"]) == (first["id"], "2026-11-24T13:30:00Z")
        assert (await create(service, externalId="y"))["id"] == first["id"]
        update = {"task": DAILY["task"], "cron": "0 5 * * *"}
        status, updated = await put(service, f"/api/v1/schedules/{first['id']}", update)
        assert (status, updated["timezone"], updated["nextRun"]) == (200, "UTC", "2026-11-25T05:00:00Z")
        assert "externalId" not in updated
        assert updated["deduplicationKey"] == "k"
        assert await service.get(f"/api/v1/schedules/{first['id']}") == (200, updated)
        async with running_worker(settings, clock=clock) as worker:
            await worker.ctx["worker"].scheduler.fire_due()
    assert await db.fetchval("SELECT count(*) FROM jobs.runs WHERE schedule_id NOT LIKE '%-%'") == 0


async def test_the_list_has_pages_and_the_job_s_own_schedule(service: Service):
    count = len(list(declared(JOBS))) + 3
    for number in range(3):
        await create(service, deduplicationKey=f"k{number}")
    _, first = await service.get(f"/api/v1/schedules?page=1&perPage={count - 1}")
    _, second = await service.get(f"/api/v1/schedules?page=2&perPage={count - 1}")
    assert first["pagination"] == {"currentPage": 1, "totalPages": 2, "count": count}
    assert (len(first["data"]), len(second["data"])) == (count - 1, 1)
    (monthly,) = [item for item in first["data"] + second["data"] if item["id"] == DECLARED]
    assert (monthly["type"], monthly["task"], monthly["active"]) == ("DECLARATIVE", "generate-monthly-reports", True)
    assert monthly["generator"]["description"] == "Às 06:00, no dia 1 do mês"
    assert monthly["environments"] == [{"id": "env_agenciaos", "type": "PRODUCTION"}]
    assert (await service.get("/api/v1/schedules?perPage=0"))[0] == 422


async def test_a_job_s_own_schedule_can_t_be_changed(service: Service):
    path = f"/api/v1/schedules/{DECLARED}"
    update = {"task": "generate-monthly-reports", "cron": "0 5 * * *"}
    answers = [
        await delete(service, path),
        await put(service, path, update),
        await service.post(f"{path}/activate", {}),
        await service.post(f"{path}/deactivate", {}),
    ]
    assert [(status, "declarado pelo próprio job" in problem["error"]) for status, problem in answers] == [
        (400, True)
    ] * 4


async def test_a_deleted_schedule_is_gone(service: Service):
    path = f"/api/v1/schedules/{(await create(service))['id']}"
    assert (await delete(service, path))[0] == 200
    assert [(await delete(service, path))[0], (await service.get(path))[0]] == [404, 404]
    assert (await service.get("/api/v1/schedules/sched_%00"))[0] == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "every day"}, "cron"),
        ({"cron": None}, "cron"),
        ({"timezone": "Brasilia"}, "timezone"),
        ({"task": "send-email"}, "task"),
        ({"task": "generate-ai-content"}, "task"),
        ({"deduplicationKey": ""}, "deduplicationKey"),
        ({"externalId": 5}, "externalId"),
    ],
)
async def test_a_wrong_field_is_named(service: Service, change: dict[str, Any], field: str):
    status, problem = await service.post("/api/v1/schedules", DAILY | change)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])


async def test_a_run_is_made_even_where_its_job_asks_for_more_by_now(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with running_service(settings, JOBS, clock) as service:
        await create(service)
        await db.execute("UPDATE jobs.schedules SET task = 'generate-ai-content' WHERE type = 'IMPERATIVE'")
        clock.set(NOON + timedelta(hours=1))
        run = await service.finished(await made(db, 1))
    assert (run["status"], run["error"]["name"]) == ("FAILED", "invalid_payload")


async def test_an_unreadable_schedule_holds_no_other_up(settings: Settings, db: asyncpg.Connection):
    clock = FrozenClock(NOON)
    async with running_service(settings, clock=clock) as service:
        await create(service, deduplicationKey="unreadable")
        await db.execute(
            "UPDATE jobs.schedules SET cron = 'x', next_slot = now() - interval '9 years' WHERE cron = '0 10 * * *'"
        )
        readable = await create(service)
        clock.set(NOON + timedelta(hours=1))
        assert (await service.run(await made(db, 1)))["payload"]["scheduleId"] == readable["id"]


async def test_anybody_may_list_the_zones(service: Service):
    _, known = await service.get("/api/v1/timezones", Authorization="")
    assert known["timezones"][0] == "UTC"
    assert "America/Sao_Paulo" in known["timezones"]
    assert "UTC" not in (await service.get("/api/v1/timezones?excludeUtc=true"))[1]["timezones"]
