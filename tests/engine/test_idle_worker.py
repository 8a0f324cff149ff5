"""A worker that has had nothing to do for a while hears of the next run at once."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from support.probe import Probe
from support.processes import worker
from support.redis import OwnRedis
from support.service import running_service

from agenciaos_jobs.engine.arq.wire import CRON, QUEUE
from agenciaos_jobs.engine.model.run import QueuedRun
from agenciaos_jobs.engine.queue import WAKE, Queue, channel_of, connect
from agenciaos_jobs.engine.worker.dispatcher import POLL_INTERVAL
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings


async def test_it_listens_all_the_time_however_soon_the_client_gives_up_waiting(settings: Settings):
    assert settings.redis_url
    impatient = SecretStr(settings.redis_url.get_secret_value() + "?socket_timeout=0.3")
    async with running_service(settings.model_copy(update={"redis_url": impatient})) as service:
        redis = service.app[keys.QUEUE].redis
        async with asyncio.timeout(10):
            while (await redis.pubsub_numsub(WAKE))[0][1] == 0:
                await asyncio.sleep(0.01)
        for _ in range(20):
            assert (await redis.pubsub_numsub(WAKE))[0][1] >= 1
            await asyncio.sleep(0.05)


async def commands(redis: Redis, seconds: float) -> list[str]:
    """What clients ask of Redis in this time."""
    asked: list[str] = []
    async with redis.monitor() as monitor:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for command in monitor.listen():
                    if command["client_type"] != "lua":  # part of a script
                        asked.append(command["command"])
    return asked


@pytest.mark.slow
@pytest.mark.parametrize("command", [(), ("agenciaos-jobs", "worker")], ids=["arq", "own"])
async def test_it_asks_redis_once_in_two_seconds_at_most(settings: Settings, tmp_path: Path, command: tuple[str, ...]):
    own = OwnRedis(tmp_path / "own.sock")
    own.start()
    try:
        settings = settings.model_copy(update={"redis_url": SecretStr(own.url)})
        async with worker(settings, tmp_path, *command), Redis.from_url(own.url) as redis:
            await asyncio.sleep(3)  # what starting costs
            asked = await commands(redis, 20)
            if any("cron:" in command for command in asked):  # arq fired a slot in between
                asked = [command for command in asked if command.startswith(("EVAL", "PING"))]
    finally:
        own.stop()
    assert len(asked) <= 10, asked


async def test_a_run_is_handed_to_one_idle_worker_and_to_none_that_is_gone(settings: Settings):
    redis_url = settings.redis_url
    assert redis_url
    queue = Queue(connect(redis_url.get_secret_value()))
    now, clock = datetime.now(UTC), SystemClock()
    workers = [clock.new_id("worker") for _ in range(3)]
    async with queue.redis.pubsub() as channel:
        await channel.subscribe(*map(channel_of, workers[:2]))  # the third one is gone
        for worker_id in workers:
            while (await queue.dequeue(1, now, worker_id)).messages:
                """What another test has left."""
        runs = [QueuedRun(clock.new_id("run"), "probe", now) for _ in range(3)]
        for run in runs:
            await queue.send([run], now)
        received = []
        while message := await channel.get_message(timeout=0.5):
            if message["type"] == "message":
                received.append((message["channel"].decode(), message["data"].decode()))
        queued = await queue.dequeue(10, now, workers[0])
        await queue.remove([run.id for run in runs])
        await queue.leave_idle(workers[0])
    await queue.close()
    assert sorted(name for name, _ in received) == sorted(map(channel_of, workers[:2]))
    assert [run_id for _, run_id in received] == [run.id for run in runs[:2]]
    assert [member for member, _ in queued.messages] == [runs[2].id]


async def test_a_cron_job_of_arq_s_that_is_due_wakes_no_worker(settings: Settings):
    assert settings.redis_url
    queue, clock, now = Queue(connect(settings.redis_url.get_secret_value())), SystemClock(), datetime.now(UTC)
    worker_id = clock.new_id("worker")
    await queue.redis.zadd(QUEUE, {f"{CRON}probe": 1})
    run = QueuedRun(clock.new_id("run"), "probe", now + timedelta(hours=1))
    await queue.send([run], now)
    found = await queue.dequeue(1, now, worker_id)
    while found.messages:  # what another test has left
        found = await queue.dequeue(1, now, worker_id)
    await queue.redis.zrem(QUEUE, f"{CRON}probe")
    await queue.remove([run.id])
    await queue.leave_idle(worker_id)
    await queue.close()
    assert found.next_due_at
    assert found.next_due_at > now


async def test_a_delayed_run_starts_on_time_on_an_idle_worker(settings: Settings):
    async def act(_: Any) -> None:
        """Does nothing."""

    probe = Probe(act)
    async with running_service(settings, probe.jobs) as service:
        await service.finished(await service.start(probe.job))
        run_id = await service.start(probe.job, delay=timedelta(seconds=1))
        run = await service.finished(run_id)
    waited = datetime.fromisoformat(run["startedAt"]) - datetime.fromisoformat(run["createdAt"])
    assert timedelta(seconds=1) <= waited < POLL_INTERVAL
