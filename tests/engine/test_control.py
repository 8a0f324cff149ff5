"""Cancel, replay, reschedule, time to live, priority, limits by agency: through the endpoints and the command line."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import BaseModel
from support.clock import FrozenClock
from support.commands import cli
from support.double import OpenAIDouble
from support.service import running_server, running_service, running_worker

from agenciaos_jobs.engine.model.job import Hooks, Job, Limits
from agenciaos_jobs.foundation.group_commit import GroupCommit
from agenciaos_jobs.settings import Settings

REPORT = {"month": "2026-10"}
AI = {"agencyId": "agency-123", "agentType": "META_ADS_COPY", "input": {"produto": "Smartphone"}}


async def test_a_canceled_run_in_the_queue_never_starts(settings: Settings):
    async with running_server(settings) as service:
        run_id = await service.trigger("monthly-report", REPORT)
        delayed = await service.trigger("monthly-report", REPORT, delay="1h")
        for each in (run_id, delayed):
            assert await service.post(f"/api/v2/runs/{each}/cancel", {}) == (200, {"id": each})
        async with running_worker(settings):
            await service.outcome("monthly-report", REPORT)
            run = await service.run(run_id)
        assert (run["status"], run["isCancelled"], run["isCompleted"], run["attempts"]) == ("CANCELED", True, True, [])
        assert (await service.post("/api/v2/runs/run_nope/cancel", {}))[0] == 404


async def test_a_finished_run_stays_as_it_is_when_canceled(settings: Settings):
    async with running_service(settings) as service:
        run = await service.outcome("monthly-report", REPORT)
        assert await service.post(f"/api/v2/runs/{run['id']}/cancel", {}) == (200, {"id": run["id"]})
        assert (await service.run(run["id"]))["status"] == "COMPLETED"


async def test_a_replay_is_a_new_run_that_names_its_origin(settings: Settings, db: asyncpg.Connection):
    async with running_service(settings) as service:
        first = await service.outcome("monthly-report", REPORT, tags=["october"])
        status, body = await service.post(f"/api/v1/runs/{first['id']}/replay", {})
        assert (status, body["id"] != first["id"]) == (200, True)
        again = await service.finished(body["id"])
        assert (again["payload"], again["tags"]) == (first["payload"], ["october"])
        assert await db.fetchval("SELECT replay_of FROM jobs.runs WHERE id = $1", again["id"]) == first["id"]
        assert (await service.post("/api/v1/runs/run_nope/replay", {}))[0] == 404


async def test_only_a_delayed_run_is_rescheduled(settings: Settings):
    async with running_service(settings) as service:
        run_id = await service.trigger("monthly-report", REPORT, delay="1h")
        status, run = await service.post(f"/api/v1/runs/{run_id}/reschedule", {"delay": "1s"})
        assert (status, run["status"]) == (200, "DELAYED")
        assert (await service.finished(run_id))["status"] == "COMPLETED"
        status, problem = await service.post(f"/api/v1/runs/{run_id}/reschedule", {"delay": "1h"})
        assert (status, problem["error"]) == (400, "Só uma execução DELAYED muda de hora")
        assert (await service.post(f"/api/v1/runs/{run_id}/reschedule", {"delay": "soon"}))[0] == 422
        assert (await service.post("/api/v1/runs/run_nope/reschedule", {"delay": "1h"}))[0] == 404


@pytest.mark.parametrize("ttl", [60, "1m"])
async def test_a_run_not_started_in_its_time_expires(settings: Settings, ttl: int | str):
    clock = FrozenClock(datetime(2026, 11, 24, tzinfo=UTC))
    async with running_server(settings, clock) as service:
        run_id = await service.trigger("monthly-report", REPORT, ttl=ttl)
        clock.pass_(timedelta(seconds=60))
        async with running_worker(settings, clock=clock):
            run = await service.finished(run_id)
    assert (run["status"], run["isFailed"], run["attempts"], run["error"]["name"]) == ("EXPIRED", True, [], "expired")


async def test_options_of_a_trigger_are_checked(settings: Settings):
    async with running_server(settings) as service:
        for name, value in {
            "ttl": 0,
            "priority": -1,
            "maxAttempts": 0,
            "maxDuration": 4,
        }.items():
            status, problem = await service.post("/api/trigger", {"type": "monthly-report", name: value})
            assert (status, problem["errors"][0]["field"].split(".")[0]) == (422, name)
        status, problem = await service.post("/api/trigger", {"type": "monthly-report", "ttl": "soon"})
        assert (status, problem["errors"][0]["field"]) == (422, "ttl")


async def test_a_key_in_the_header_works_like_one_in_the_body(settings: Settings):
    async with running_server(settings) as service:
        body = {"type": "monthly-report", "payload": REPORT}
        first = await service.post("/api/trigger", body, **{"Idempotency-Key": '"abc"'})
        again = await service.post("/api/trigger", {**body, "idempotencyKey": "abc"})
        assert first[1]["jobId"] == again[1]["jobId"]
        other = {"type": "monthly-report", "payload": {}}
        assert (await service.post("/api/trigger", other, **{"Idempotency-Key": "abc"}))[0] == 409


async def test_a_thousand_requests_with_one_key_over_two_servers_make_one_run(
    settings: Settings, db: asyncpg.Connection
):
    body = {"type": "monthly-report", "payload": REPORT, "idempotencyKey": "once"}
    async with running_server(settings) as one, running_server(settings) as other:
        answers = await asyncio.gather(*[(one, other)[n % 2].post("/api/trigger", body) for n in range(1000)])
    assert {status for status, _ in answers} == {200}
    assert len({answer["jobId"] for _, answer in answers}) == 1
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 1


class Numbered(BaseModel):
    number: int
    agency: str | None = None


class Recorded:
    """A job that notes in which order its runs start, and how many of an agency go at once."""

    def __init__(self, seconds: float = 0, **options) -> None:
        self.order: list[int] = []
        self.most: dict[str | None, int] = {}
        self._now: dict[str | None, int] = {}
        self._seconds = seconds
        self.job = Job(
            task="recorded",
            payload=Numbered,
            run=self._run,
            limits=Limits(**options),
            hooks=Hooks(agency=lambda payload: payload.agency),
        )

    async def _run(self, _, payload: Numbered):
        self.order.append(payload.number)
        self._now[payload.agency] = self._now.get(payload.agency, 0) + 1
        self.most[payload.agency] = max(self.most.get(payload.agency, 0), self._now[payload.agency])
        await asyncio.sleep(self._seconds)
        self._now[payload.agency] -= 1
        return {}


async def test_priority_counts_in_seconds(settings: Settings):
    recorded = Recorded()
    jobs = {"recorded": recorded.job}
    one_slot = settings.model_copy(update={"worker_max_jobs": 1})
    async with running_server(one_slot) as service:
        ids = [await service.start(recorded.job, {"number": n}, priority=n) for n in range(5)]
        async with running_worker(one_slot, jobs):
            for run_id in ids:
                await service.finished(run_id)
    assert recorded.order == [4, 3, 2, 1, 0]


async def test_an_agency_s_runs_share_a_limit_in_order_and_hold_up_nobody(settings: Settings):
    recorded = Recorded(0.02, per_agency=True)
    limited = settings.model_copy(update={"agency_concurrency": 2, "worker_max_jobs": 5})
    async with running_server(limited) as service:
        many = [await service.start(recorded.job, {"number": n, "agency": "a"}) for n in range(60)]
        last = await service.start(recorded.job, {"number": 1000, "agency": "b"})
        jobs = {"recorded": recorded.job}
        async with running_worker(limited, jobs), running_worker(limited, jobs):
            await service.finished(last)
            place = recorded.order.index(1000)
            for run_id in many:
                assert (await service.finished(run_id))["attemptCount"] == 1
    assert recorded.most["a"] <= 2
    assert place < 40
    mine = [number for number in recorded.order if number != 1000]
    assert all(abs(number - index) <= 6 for index, number in enumerate(mine))


async def test_a_payment_goes_ahead_of_everything(settings: Settings, openai_double: OpenAIDouble):
    one_slot = settings.model_copy(update={"worker_max_jobs": 1, "plans": {"FREE": 100, "PRO": 500}})
    async with running_server(one_slot) as service:
        waiting = [await service.trigger("ai-content", AI) for _ in range(5)]
        payment = {"event": "e", "customerId": "agency-123", "productId": "pro-monthly", "amount": 1, "status": "paid"}
        first = await service.trigger("payment-webhook", payment)
        async with running_worker(one_slot):
            ended = await service.finished(first)
            others = [await service.finished(run_id) for run_id in waiting]
    assert all(ended["startedAt"] <= other["startedAt"] for other in others)


async def test_the_command_line_cancels_and_replays(settings: Settings, tmp_path: Path):
    env = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
    }
    async with running_server(settings) as service:
        run_id = await service.trigger("monthly-report", REPORT)
        code, text = await cli("runs", "cancel", run_id, env=env, cwd=tmp_path)
        assert (code, text.split()) == (0, [run_id, "CANCELED"])
        code, text = await cli("runs", "cancel", run_id, env=env, cwd=tmp_path)
        assert (code, "had ended" in text) == (0, True)
        code, text = await cli("runs", "replay", run_id, env=env, cwd=tmp_path)
        again = text.split()[-1]
        assert (code, (await service.run(again))["status"]) == (0, "QUEUED")
        code, text = await cli("runs", "replay", "run_nope", env=env, cwd=tmp_path)
        assert (code, "Run not found: run_nope" in text) == (1, True)


async def test_calls_that_come_during_a_write_go_into_the_next_one():
    written: list[list[int]] = []
    gate = asyncio.Event()

    async def write(items: list[int]) -> list[int]:
        written.append(items)
        await gate.wait()
        return [item * 10 for item in items]

    commit: GroupCommit[int, int] = GroupCommit(write, max_batch=3)
    first = asyncio.create_task(commit.submit(1))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(commit.submit(number)) for number in (2, 3, 4, 5)]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(first, *rest) == [10, 20, 30, 40, 50]
    assert written == [[1], [2, 3, 4], [5]]


async def test_a_bad_item_fails_alone():
    async def write(items: list[int]) -> list[int]:
        if 2 in items:
            raise ValueError(f"bad among {len(items)}")
        return items

    commit: GroupCommit[int, int] = GroupCommit(write)
    results = await asyncio.gather(*[commit.submit(n) for n in (1, 2, 3)], return_exceptions=True)
    assert (results[0], str(results[1]), results[2]) == (1, "bad among 1", 3)
