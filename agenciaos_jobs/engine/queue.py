"""The wire: arq's own keys in Redis, which carry run ids and nothing else."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from arq.connections import ArqRedis
from arq.constants import default_queue_name, in_progress_key_prefix, job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

UNAVAILABLE = (RedisError, OSError, asyncio.TimeoutError)
"""What is raised while Redis is away. Nothing is lost by it: the sweeper sends what was not sent."""

_MESSAGE_LIFE_MS = 7 * 24 * 3600 * 1000


def encode(message: dict[str, Any]) -> bytes:
    """arq's message as JSON; what JSON has no form for (arq puts exceptions into results) goes as text."""
    return orjson.dumps(message, default=str)


def decode(message: bytes) -> dict[str, Any]:
    """arq's message from JSON: nothing in Redis is ever unpickled."""
    decoded: dict[str, Any] = orjson.loads(message)
    return decoded


def connect(url: str) -> ArqRedis:
    """A client that connects when it is first used."""
    pool: ConnectionPool = ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=5)
    return ArqRedis(pool, job_serializer=encode, job_deserializer=decode)


class Queue:
    """Sends runs to workers, and tells which ones are on their way."""

    def __init__(self, redis: ArqRedis) -> None:
        self.redis = redis

    async def send(self, runs: Sequence[tuple[str, str, datetime]], now: datetime) -> None:
        """Sends (run id, task, due time) to the workers. Sending what is there already changes nothing.

        Redis holds workers' time, which need not be the database's: what counts is how far ``due_at`` is from ``now``.
        """
        if not runs:
            return
        sent_ms = timestamp_ms()
        async with self.redis.pipeline(transaction=False) as pipe:
            for run_id, task, due_at in runs:
                message = serialize_job(task, (run_id,), {}, None, sent_ms, serializer=encode)
                wait_ms = round((due_at - now).total_seconds() * 1000)
                pipe.psetex(job_key_prefix + run_id, max(wait_ms, 0) + _MESSAGE_LIFE_MS, message)
                pipe.zadd(default_queue_name, {run_id: sent_ms + wait_ms})
            await pipe.execute()

    async def missing(self, run_ids: Sequence[str]) -> set[str]:
        """Those of the runs that no worker will find in the queue."""
        if not run_ids:
            return set()
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.execute_command("ZMSCORE", default_queue_name, *run_ids)
            pipe.execute_command("EXISTS", *[job_key_prefix + run_id for run_id in run_ids])
            scores, messages = await pipe.execute()
        if messages == len(run_ids):
            return {run_id for run_id, score in zip(run_ids, scores, strict=True) if score is None}
        kept = await self.redis.mget([job_key_prefix + run_id for run_id in run_ids])
        pairs = zip(run_ids, scores, kept, strict=True)
        return {run_id for run_id, score, message in pairs if score is None or message is None}

    async def release(self, run_ids: Sequence[str]) -> None:
        """Forgets that some worker had begun these runs, so that another one may."""
        if run_ids:
            await self.redis.delete(*[in_progress_key_prefix + run_id for run_id in run_ids])

    async def ping(self) -> None:
        await self.redis.ping()

    async def close(self) -> None:
        await self.redis.aclose(close_connection_pool=True)
