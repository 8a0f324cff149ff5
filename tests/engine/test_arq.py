"""arq's own command hosts our workers: without Redis, among wrong data, beside stock producers and workers."""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from arq.connections import ArqRedis
from arq.worker import create_worker
from pydantic import SecretStr
from redis.asyncio import ConnectionPool
from support.processes import environment, running, worker
from support.redis import OwnRedis
from support.service import running_server, running_worker

from agenciaos_jobs.engine import queue
from agenciaos_jobs.engine.arq import wire
from agenciaos_jobs.http import keys
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.worker import worker_settings

REPORT = {"month": "2026-10"}


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose name is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="t-") as name:
        yield Path(name)


SIGTERM_BEFORE_THE_LOOP = """
import os, signal
from arq import cli, worker
run = worker.Worker.run
def terminated(self):
    os.kill(os.getpid(), signal.SIGTERM)
    run(self)
worker.Worker.run = terminated
cli.cli(["agenciaos_jobs.worker.WorkerSettings"])
"""


async def test_a_sigterm_before_arq_s_loop_runs_ends_the_process(settings: Settings, tmp_path: Path):
    async with running("python", "-c", SIGTERM_BEFORE_THE_LOOP, env=environment(settings), cwd=tmp_path) as started:
        assert await started.ends(patience=10) == -signal.SIGTERM


@pytest.mark.slow
async def test_arq_s_command_lives_through_the_absence_of_redis(settings: Settings, tmp_path: Path, short_path: Path):
    redis = OwnRedis(short_path / "redis.sock")
    own = settings.model_copy(update={"redis_url": SecretStr(redis.url)})
    redis.start()
    async with running_server(own) as service, worker(own, tmp_path) as process:
        assert (await service.outcome("monthly-report", REPORT))["status"] == "COMPLETED"
        redis.stop()
        run_ids = [await service.trigger("monthly-report", REPORT) for _ in range(5)]
        await process.says("queue_unavailable")
        await asyncio.sleep(30)
        run_ids += [await service.trigger("monthly-report", REPORT) for _ in range(5)]
        redis.start()
        for run_id in run_ids:
            assert (await service.finished(run_id))["attemptCount"] == 1
        assert process.process.returncode is None
        process.interrupt(signal.SIGTERM)
        assert await process.ends() == 0
    redis.stop()


@pytest.mark.slow
async def test_wrong_data_in_arq_s_keys_harms_nobody(settings: Settings, tmp_path: Path):
    redis = queue.connect(settings.redis_url.get_secret_value())
    async with running_server(settings) as service:
        run_id = await service.trigger("monthly-report", REPORT)
        now = 1_000
        await redis.set(f"arq:job:{run_id}", b"\x80\x04garbage\xff")
        await redis.set("arq:job:garbage", b"\xff\x00")
        await redis.set("arq:job:unknown", wire.encode({"t": None, "f": "nobody", "a": [1], "k": {}, "et": 1}))
        await redis.zadd("arq:queue", {"garbage": now, "unknown": now, "no-message": now, b"\xff\xfe": now})
        async with worker(settings, tmp_path, ARQ_PRODUCERS="1") as process:
            assert (await service.finished(run_id))["status"] == "COMPLETED"
            await process.says("message_not_understood")
            await redis.set("arq:queue", "not a sorted set")
            assert (await service.outcome("monthly-report", REPORT))["status"] == "COMPLETED"
            assert process.process.returncode is None
    await redis.aclose()


async def enqueue_as_a_stranger(settings: Settings, *members: str) -> None:
    """What anybody who can write to Redis can do with arq alone, whose own worker takes what begins with ``cron:``."""
    pool = ConnectionPool.from_url(settings.redis_url.get_secret_value())
    stranger = ArqRedis(pool, job_serializer=wire.encode, job_deserializer=wire.decode)
    for member in members:
        await stranger.enqueue_job("generate-monthly-reports", REPORT, _job_id=member)
    await stranger.aclose()


async def test_a_stranger_s_message_in_redis_starts_nothing(settings: Settings, db: asyncpg.Connection):
    async with running_server(settings) as service:
        await enqueue_as_a_stranger(settings, "anything", "cron:anything")
        redis = service.app[keys.QUEUE].redis
        # arq's own poll takes what begins with cron: when it starts.
        async with running_worker(settings), asyncio.timeout(15):
            while any([await redis.zscore(wire.QUEUE, name) is not None for name in ("anything", "cron:anything")]):
                await asyncio.sleep(0.05)
            assert (await service.outcome("monthly-report", REPORT))["status"] == "COMPLETED"
    assert [row["source"] for row in await db.fetch("SELECT source FROM jobs.runs")] == ["api"]


@pytest.mark.slow
@pytest.mark.parametrize("command", [(), ("agenciaos-jobs", "worker")], ids=["arq", "own"])
async def test_each_command_refuses_a_stranger_s_message_by_name(
    settings: Settings, tmp_path: Path, db: asyncpg.Connection, command: tuple[str, ...]
):
    async with worker(settings, tmp_path, *command) as process:
        await enqueue_as_a_stranger(settings, "from-a-stranger")
        refusal = await process.says("message_refused")
        assert "from-a-stranger" in refusal
        assert "ARQ_PRODUCERS" in refusal
    assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 0


@pytest.mark.slow
async def test_stock_arq_producers_and_workers_interoperate(settings: Settings, tmp_path: Path, db: asyncpg.Connection):
    pool = ConnectionPool.from_url(settings.redis_url.get_secret_value())
    stock = ArqRedis(pool, job_serializer=wire.encode, job_deserializer=wire.decode)
    async with running_server(settings) as service:
        async with worker(settings, tmp_path, ARQ_PRODUCERS="1"):
            for _ in range(2):
                await stock.enqueue_job("generate-monthly-reports", REPORT, _job_id="from-stock-arq")
            async with asyncio.timeout(20):
                while not (run_id := await db.fetchval("SELECT id FROM jobs.runs")):
                    await asyncio.sleep(0.05)
            assert (await service.finished(run_id))["status"] == "COMPLETED"
        assert await db.fetchval("SELECT count(*) FROM jobs.runs") == 1
        run_id = await service.trigger("monthly-report", REPORT)
        plain = create_worker(worker_settings(settings, signals=False), redis_pool=stock, handle_signals=False)
        plain.on_startup = await without_dispatcher(plain)
        main = asyncio.create_task(plain.main())
        assert (await service.finished(run_id))["status"] == "COMPLETED"
        while not main.done():  # a cancellation can be lost inside a Redis call
            main.cancel()
            await asyncio.wait([main], timeout=0.5)
        await plain.close()


async def without_dispatcher(plain):
    """What a worker without our Redis client does: arq itself finds and starts the run."""
    started = plain.on_startup

    async def on_startup(context):
        await started(context)
        context["worker"].dispatcher._stopping = True
        context["worker"].dispatcher._wakeup.set()

    return on_startup
