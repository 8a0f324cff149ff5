"""arq's wire: its keys in Redis, the form of its messages, and the client that its worker gets."""

import asyncio
from typing import Any

import orjson
import structlog
from arq.connections import ArqRedis
from arq.constants import default_queue_name, in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.jobs import serialize_job
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

log = structlog.get_logger("agenciaos_jobs.queue")

UNAVAILABLE = (RedisError, OSError, asyncio.TimeoutError)
"""What is raised while Redis is away. Nothing is lost by it: the rescuer sends what was not sent."""

QUEUE = default_queue_name
JOB_PREFIX = job_key_prefix
OTHER_PREFIXES = (in_progress_key_prefix, retry_key_prefix)
"""The prefixes of what arq's own worker keeps of a message while it executes one."""

CRON = "cron:"
"""How the ids of arq's cron jobs begin here."""

Redis = ArqRedis
"""The client: arq's own, because arq's worker accepts no other."""


def message_of(task: str, run_id: str, now_ms: int) -> str:
    """The message that has a worker execute a run."""
    return serialize_job(task, (run_id,), {}, None, now_ms, serializer=encode).decode()


def encode(message: dict[str, Any]) -> bytes:
    """arq's message as JSON; what JSON has no form for (arq puts exceptions into results) goes as text."""
    return orjson.dumps(message, default=str)


def decode(message: bytes) -> dict[str, Any]:
    """arq's message from JSON: nothing in Redis is ever unpickled."""
    decoded: dict[str, Any] = orjson.loads(message)
    return decoded


class WorkerRedis(ArqRedis):
    """The client that arq's worker gets: it outlives Redis, and leaves runs to the dispatcher."""

    async def zrangebyscore(self, name: Any, *args: Any, **kwargs: Any) -> Any:
        """arq's poll: only its own cron jobs, and nothing while Redis is away."""
        try:
            members = await super().zrangebyscore(name, *args, **kwargs)
        except UNAVAILABLE as error:
            log.warning("queue_unavailable", error=type(error).__name__)
            await asyncio.sleep(1)
            return []
        return [member for member in members if member.startswith(CRON.encode())]

    async def enqueue_job(self, *args: Any, **kwargs: Any) -> Any:
        """arq's cron: a slot that can't be sent is caught up by the scheduler."""
        try:
            return await super().enqueue_job(*args, **kwargs)
        except UNAVAILABLE as error:
            log.warning("queue_unavailable", error=type(error).__name__)
            return None


def connect(url: str) -> WorkerRedis:
    """A client that connects when it is first used."""
    pool: ConnectionPool = ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=5)
    return WorkerRedis(pool, job_serializer=encode, job_deserializer=decode)
