"""Connections that carry nothing any more, without a reset, under a running server and worker."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from support.probe import Probe
from support.service import Service, running_server, running_service, running_worker

from agenciaos_jobs.engine.queue import WAKE
from agenciaos_jobs.foundation.connections import pool
from agenciaos_jobs.foundation.database import DatabaseUnavailableError
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings
from bench.freezing_proxy import FreezingProxy, Upstream, postgres_upstream, redis_upstream

REPORT = {"type": "monthly-report", "payload": {}}


@contextmanager
def proxied(upstream: Upstream) -> Iterator[FreezingProxy]:
    proxy = FreezingProxy(upstream)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture
def postgres(database_url: str) -> Iterator[FreezingProxy]:
    with proxied(postgres_upstream(database_url)) as proxy:
        yield proxy


@pytest.fixture
def redis(servers: dict[str, str]) -> Iterator[FreezingProxy]:
    with proxied(redis_upstream(servers["REDIS_URL"])) as proxy:
        yield proxy


@pytest.fixture
def behind(settings: Settings, database_url: str, postgres: FreezingProxy, redis: FreezingProxy) -> Settings:
    name = urlsplit(database_url).path
    return settings.model_copy(
        update={
            "database_url": SecretStr(f"postgresql://postgres@127.0.0.1:{postgres.port}{name}"),
            "redis_url": SecretStr(f"redis://127.0.0.1:{redis.port}"),
        }
    )


@pytest.fixture
async def server(behind: Settings) -> AsyncIterator[Service]:
    async with running_server(behind) as running:
        yield running


async def busy_at_once(server: Service, count: int = 10) -> None:
    """Opens ``count`` connections of the pool, and more by use."""
    database = server.app[keys.DATABASE]
    await asyncio.gather(*[database.fetchval("SELECT pg_sleep(0.1)") for _ in range(count)])
    assert database.usage()[0] == count


@pytest.mark.slow
async def test_a_caller_gets_an_answer_in_five_seconds_and_the_next_one_at_once(
    server: Service, postgres: FreezingProxy
):
    await busy_at_once(server)
    assert postgres.freeze() == 10
    began = time.monotonic()
    async with server.http.post("/api/trigger", json=REPORT) as response:
        assert time.monotonic() - began < 5
        assert response.status == 200 or (response.status == 503 and int(response.headers["Retry-After"]) > 0)
    began = time.monotonic()
    answers = await asyncio.gather(*[server.post("/api/trigger", REPORT) for _ in range(20)])
    assert [status for status, _ in answers] == [200] * 20
    assert (await server.get("/readyz"))[0] == 200
    assert time.monotonic() - began < 1


@pytest.mark.slow
async def test_connections_that_were_idle_cost_no_answer(
    server: Service, postgres: FreezingProxy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "_PROBED_AFTER", 0)
    await busy_at_once(server)
    postgres.freeze()
    async with asyncio.timeout(5):
        ready, run_id = await asyncio.gather(server.get("/readyz"), server.trigger("monthly-report"))
    assert (ready[0], run_id[:4]) == (200, "run_")


async def test_tcp_keeps_an_eye_on_idle_connections(server: Service, postgres: FreezingProxy, redis: FreezingProxy):
    assert (await server.get("/readyz"))[0] == 200
    async with server.app[keys.CHANGES].subscribe() as changes:
        await anext(changes)
        for proxy in (postgres, redis):
            async with asyncio.timeout(5):  # while data is on its way, another timer runs
                while not all(keepalive_timers(proxy.port)):
                    await asyncio.sleep(0.02)


def keepalive_timers(port: int) -> list[bool]:
    """For each connection of this machine to ``port``, whether a keepalive timer runs (proc(5), /proc/net/tcp)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = [row for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"]
    assert established
    return [row[5].startswith("02:") for row in established]


async def test_a_statement_that_takes_too_long_is_ended_in_postgres_too(
    server: Service, postgres: FreezingProxy, db: Any
):
    slow = asyncio.create_task(server.app[keys.DATABASE].within(0.2).fetchval("SELECT 'slow', pg_sleep(60)"))
    with pytest.raises(DatabaseUnavailableError, match=r"no answer within 0\.2 s"):
        await slow
    async with asyncio.timeout(10):
        while await db.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT ''slow''%'"):
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_the_live_view_hears_of_a_run_in_seconds(server: Service, postgres: FreezingProxy):
    async with server.app[keys.CHANGES].subscribe() as changes, asyncio.timeout(15):
        assert await anext(changes) is None
        heard = asyncio.create_task(anext(changes))
        run_id = await server.trigger("monthly-report", delay="1h")
        assert await heard == {run_id}
        postgres.freeze()
        began = time.monotonic()
        assert await anext(changes) is None  # after a gap, anything may have changed
        assert time.monotonic() - began < 8
        status, body = await server.post("/api/trigger", {**REPORT, "delay": "1h"})
        assert status == 200
        ids = await anext(changes)
        assert ids is None or body["jobId"] in ids


@pytest.mark.slow
async def test_a_worker_goes_on_and_records_what_it_was_doing_once(behind: Settings, postgres: FreezingProxy):
    started, released = asyncio.Event(), asyncio.Event()

    async def work(_: Any) -> dict[str, Any]:
        started.set()
        await released.wait()
        return {"done": True}

    probe = Probe(work)
    async with running_service(behind, probe.jobs) as service:
        run_id = await service.start(probe.job)
        await started.wait()
        postgres.freeze()
        released.set()
        assert (await finished(service, run_id))["attemptCount"] == 1
        postgres.freeze()
        began = time.monotonic()
        await finished(service, await started_at_last(service, probe))
        assert time.monotonic() - began < 15
    assert probe.calls == 2


@pytest.mark.slow
async def test_a_worker_goes_on_without_its_connections_to_redis(
    behind: Settings, settings: Settings, redis: FreezingProxy
):
    async def work(_: Any) -> dict[str, Any]:
        return {}

    probe = Probe(work)
    async with running_server(behind) as service, running_worker(behind, probe.jobs):
        await service.finished(await service.start(probe.job))
        direct = service.app[keys.QUEUE].redis
        async with asyncio.timeout(5):
            while (before := (await direct.pubsub_numsub(WAKE))[0][1]) < 1:
                await asyncio.sleep(0.02)
        redis.freeze()
        await service.finished(await service.start(probe.job))
        assert (await service.get("/readyz"))[0] == 200
        async with asyncio.timeout(20):  # the frozen subscription is still there, for Redis
            while (await direct.pubsub_numsub(WAKE))[0][1] <= before:
                await asyncio.sleep(0.05)


async def finished(service: Service, run_id: str) -> dict[str, Any]:
    """The run once it has ended; the first request may meet a frozen connection too."""
    async with asyncio.timeout(20):
        while True:
            status, run = await service.get(f"/api/v3/runs/{run_id}")
            if status == 200 and run["isCompleted"]:
                return run
            await asyncio.sleep(0.05)


async def started_at_last(service: Service, probe: Probe) -> str:
    while True:
        try:
            return await service.start(probe.job)
        except DatabaseUnavailableError:
            continue  # as a caller that gets 503
