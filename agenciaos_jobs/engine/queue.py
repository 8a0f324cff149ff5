"""The wire: arq's own keys in Redis, which carry run ids and nothing else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from arq.connections import ArqRedis
from arq.constants import default_queue_name, in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.jobs import serialize_job
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError, ResponseError

from agenciaos_jobs.engine.model.run import QueuedRun

log = structlog.get_logger("agenciaos_jobs.queue")

UNAVAILABLE = (RedisError, OSError, asyncio.TimeoutError)
"""What is raised while Redis is away. Nothing is lost by it: the sweeper sends what was not sent."""

WAKE = "agenciaos:wake"
CRON = "cron:"

_MESSAGE_LIFE_MS = 7 * 24 * 3600 * 1000

# KEYS: the queue. ARGV: the prefix of arq's messages, the wake-up channel, and as JSON for each run its id, its
# message, the message's life in ms and its score. A pipeline of the same costs the client several times as much.
_SEND = """
for _, run in ipairs(cjson.decode(ARGV[3])) do
  redis.call('PSETEX', ARGV[1] .. run[1], run[3], run[2])
  redis.call('ZADD', KEYS[1], run[4], run[1])
end
redis.call('PUBLISH', ARGV[2], '')
"""

# KEYS: the queue. ARGV: now in ms, how many, the prefix of arq's cron jobs, the prefix of arq's messages.
# Takes due members out, with their messages; arq's own cron jobs are left to arq. Also says when the next one is due.
_TAKE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2] + 100)
local taken = {}
for _, id in ipairs(due) do
  if #taken >= 2 * ARGV[2] then break end
  if string.sub(id, 1, #ARGV[3]) ~= ARGV[3] then
    redis.call('ZREM', KEYS[1], id)
    taken[#taken + 1] = id
    taken[#taken + 1] = redis.call('GET', ARGV[4] .. id) or ''
    redis.call('DEL', ARGV[4] .. id)
  end
end
local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {taken, next[2] or ''}
"""


@dataclass(frozen=True)
class Taken:
    """What was in the queue: members with their messages, and when the next one is due, if there is one."""

    messages: list[tuple[str, bytes]]
    next_due_at: datetime | None


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
        """arq's cron: a slot that can't be sent is caught up by the sweeper."""
        try:
            return await super().enqueue_job(*args, **kwargs)
        except UNAVAILABLE as error:
            log.warning("queue_unavailable", error=type(error).__name__)
            return None


def connect(url: str) -> WorkerRedis:
    """A client that connects when it is first used."""
    pool: ConnectionPool = ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=5)
    return WorkerRedis(pool, job_serializer=encode, job_deserializer=decode)


class Queue:
    """Sends runs to workers, and hands them out. Times in Redis are the clock's, which all processes share."""

    def __init__(self, redis: ArqRedis) -> None:
        self.redis = redis

    async def send(self, runs: Sequence[QueuedRun], now: datetime) -> None:
        """Sends runs to the workers and wakes them. Sending what is there already changes nothing."""
        if not runs:
            return
        now_ms = _milliseconds(now)
        members = []
        for run in runs:
            message = serialize_job(run.task, (run.id,), {}, None, now_ms, serializer=encode).decode()
            due_ms = _milliseconds(run.due_at)
            # A run that is not due yet gets no lead: it must not be handed out before its time.
            score = due_ms if due_ms > now_ms else due_ms - run.priority * 1000
            # Numbers go as text: Lua would write the large ones with an exponent.
            members.append((run.id, message, str(max(due_ms - now_ms, 0) + _MESSAGE_LIFE_MS), str(score)))
        values = (default_queue_name, job_key_prefix, WAKE, orjson.dumps(members))
        await self.redis.execute_command("EVAL", _SEND, 1, *values)  # type: ignore[no-untyped-call]

    async def take(self, most: int, now: datetime) -> Taken:
        """Takes up to ``most`` due members out of the queue."""
        try:
            asked = (str(_milliseconds(now)), str(most), CRON, job_key_prefix)
            reply: Any = await self.redis.eval(_TAKE, 1, default_queue_name, *asked)  # type: ignore[misc]
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            log.error("queue_replaced", error=str(error))
            await self.redis.delete(default_queue_name)
            return Taken([], None)
        flat, next_score = reply
        messages = [
            (member.decode("utf-8", "replace"), body) for member, body in zip(flat[::2], flat[1::2], strict=True)
        ]
        next_due_at = datetime.fromtimestamp(float(next_score) / 1000, UTC) if next_score else None
        return Taken(messages, next_due_at)

    async def put_back(self, member: str, body: bytes, now: datetime) -> None:
        """Restores a message that nobody but Redis has."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.psetex(job_key_prefix + member, _MESSAGE_LIFE_MS, body)
            pipe.zadd(default_queue_name, {member: _milliseconds(now)})
            await pipe.execute()

    async def missing(self, run_ids: Sequence[str]) -> set[str]:
        """Those of the runs that no worker will find in the queue."""
        if not run_ids:
            return set()
        scores = await self.redis.zmscore(default_queue_name, list(run_ids))
        return {run_id for run_id, score in zip(run_ids, scores, strict=True) if score is None}

    async def forget(self, run_ids: Sequence[str]) -> None:
        """Drops whatever Redis holds of these runs."""
        if not run_ids:
            return
        prefixes = (job_key_prefix, in_progress_key_prefix, retry_key_prefix)
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.zrem(default_queue_name, *run_ids)
            pipe.delete(*[prefix + run_id for run_id in run_ids for prefix in prefixes])
            await pipe.execute()

    async def ping(self) -> None:
        await self.redis.ping()

    async def close(self) -> None:
        await self.redis.aclose(close_connection_pool=True)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
