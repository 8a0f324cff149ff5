"""The limit of an attempt covers all of it."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from support.probe import Act, Probe, outcome, returning
from support.service import running_service

from agenciaos_jobs.engine.model.job import CommitWith
from agenciaos_jobs.engine.worker import runner
from agenciaos_jobs.settings import Settings


def waits_for(lock: str) -> Act:
    async def effect(connection: asyncpg.Connection) -> Any:
        await connection.execute(lock)
        return {"waited": True}

    return returning(CommitWith(effect))


LOCK = "LOCK TABLE effects IN ACCESS EXCLUSIVE MODE"


async def test_the_limit_covers_the_completing_transaction(settings: Settings, db: asyncpg.Connection):
    await db.execute("CREATE TABLE effects (n int)")
    async with db.transaction():
        await db.execute(LOCK)
        run = await outcome(settings, waits_for(LOCK), max_duration=1)
    assert (run["status"], run["error"]["name"]) == ("TIMED_OUT", "MaxDurationExceeded")
    assert 1_000 <= run["durationMs"] < 4_000


async def test_a_completing_transaction_is_cancelled_within_two_seconds(settings: Settings, db: asyncpg.Connection):
    await db.execute("CREATE TABLE effects (n int)")
    probe = Probe(waits_for(LOCK), max_duration=60)
    async with running_service(settings, probe.jobs) as service:
        async with db.transaction():
            await db.execute(LOCK)
            run_id = await service.start(probe.job)
            while not await db.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.01)
            began = time.monotonic()
            status, _ = await service.post(f"/api/v2/runs/{run_id}/cancel", {})
            run = await service.finished(run_id)
            assert (status, run["status"]) == (200, "CANCELED")
            assert time.monotonic() - began < 2
        other = await service.finished(await service.start(probe.job))
    assert (other["status"], other["output"]) == ("COMPLETED", {"waited": True})


async def test_the_duration_says_what_the_completing_transaction_took(settings: Settings):
    run = await outcome(settings, waits_for("SELECT pg_sleep(1.2)"))
    assert (run["status"], run["durationMs"] >= 1_200) == ("COMPLETED", True)


async def test_a_job_that_swallows_the_end_of_its_time_is_timed_out(settings: Settings):
    async def swallow(_: Any) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return {"swallowed": True}

    run = await outcome(settings, swallow, max_duration=1)
    assert (run["status"], run["error"]["name"]) == ("TIMED_OUT", "MaxDurationExceeded")


async def test_a_job_that_never_ends_is_no_longer_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runner, "ABANDON_AFTER", timedelta(seconds=0.5))
    may_end = asyncio.Event()

    async def go_on(_: Any) -> Any:
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    probe = Probe(go_on, max_duration=1)
    async with running_service(replace_slots(settings, 1), probe.jobs) as service:
        stuck, after = await service.start(probe.job), await service.start(probe.job)
        assert (await service.finished(stuck))["status"] == "TIMED_OUT"
        assert (await service.finished(after))["status"] == "TIMED_OUT"  # its slot was given to another
        may_end.set()
    assert probe.calls == 2


def replace_slots(settings: Settings, slots: int) -> Settings:
    return settings.model_copy(update={"worker_max_jobs": slots})


async def test_the_limits_of_a_job_s_own_timeouts_stay_its_own(settings: Settings):
    async def patient(_: Any) -> Any:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            return {"own": True}

    assert (await outcome(settings, patient))["output"] == {"own": True}
