"""The queue: run ids in arq's own Redis keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from redis.exceptions import ResponseError

from agenciaos_jobs.engine.arq.wire import (
    CRON,
    JOB_PREFIX,
    OTHER_PREFIXES,
    QUEUE,
    UNAVAILABLE,
    Redis,
    connect,
    decode,
    message_of,
)
from agenciaos_jobs.engine.model.run import QueuedRun

__all__ = ["UNAVAILABLE", "WAKE", "Dequeued", "Queue", "connect", "decode"]

log = structlog.get_logger("agenciaos_jobs.queue")

WAKE = "agenciaos:wake"

_MESSAGE_LIFE_MS = 7 * 24 * 3600 * 1000

# KEYS: the queue. ARGV: the prefix of arq's messages, the wake-up channel, and a JSON array with each run's id, its
# message, the message's lifetime in ms and its score. A pipeline costs the client several times as much.
_SEND = """
for _, run in ipairs(cjson.decode(ARGV[3])) do
  redis.call('PSETEX', ARGV[1] .. run[1], run[3], run[2])
  redis.call('ZADD', KEYS[1], run[4], run[1])
end
redis.call('PUBLISH', ARGV[2], '')
"""

# KEYS: the queue. ARGV: now in ms, the limit, the prefix of arq's cron jobs, the prefix of arq's messages.
# Removes due members and returns them with their messages, and when the next member is due. Skips arq's cron jobs.
_DEQUEUE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2] + 100)
local dequeued = {}
for _, id in ipairs(due) do
  if #dequeued >= 2 * ARGV[2] then break end
  if string.sub(id, 1, #ARGV[3]) ~= ARGV[3] then
    redis.call('ZREM', KEYS[1], id)
    dequeued[#dequeued + 1] = id
    dequeued[#dequeued + 1] = redis.call('GET', ARGV[4] .. id) or ''
    redis.call('DEL', ARGV[4] .. id)
  end
end
local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {dequeued, next[2] or ''}
"""


@dataclass(frozen=True)
class Dequeued:
    """Dequeued members with their messages, and when the next member is due, if there is one."""

    messages: list[tuple[str, bytes]]
    next_due_at: datetime | None


class Queue:
    """Enqueues and dequeues runs. Times in Redis are those of the clock, which follows the database's everywhere."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def send(self, runs: Sequence[QueuedRun], now: datetime) -> None:
        """Enqueues runs and wakes the workers. Enqueueing a run twice has no further effect."""
        if not runs:
            return
        now_ms = _milliseconds(now)
        members = []
        for run in runs:
            message = message_of(run.task, run.id, now_ms)
            due_ms = _milliseconds(run.due_at)
            # A run that is not due yet gets no priority: it must not be dequeued before its time.
            score = due_ms if due_ms > now_ms else due_ms - run.priority * 1000
            # Numbers are sent as text, because Lua formats large ones with an exponent.
            members.append((run.id, message, str(max(due_ms - now_ms, 0) + _MESSAGE_LIFE_MS), str(score)))
        values = (QUEUE, JOB_PREFIX, WAKE, orjson.dumps(members))
        await self.redis.execute_command("EVAL", _SEND, 1, *values)  # type: ignore[no-untyped-call]

    async def dequeue(self, limit: int, now: datetime) -> Dequeued:
        """Removes up to ``limit`` due members from the queue and returns them."""
        try:
            arguments = (str(_milliseconds(now)), str(limit), CRON, JOB_PREFIX)
            reply: Any = await self.redis.eval(_DEQUEUE, 1, QUEUE, *arguments)  # type: ignore[misc]
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            log.error("queue_replaced", error=str(error))
            await self.redis.delete(QUEUE)
            return Dequeued([], None)
        flat, next_score = reply
        messages = [
            (member.decode("utf-8", "replace"), body) for member, body in zip(flat[::2], flat[1::2], strict=True)
        ]
        next_due_at = datetime.fromtimestamp(float(next_score) / 1000, UTC) if next_score else None
        return Dequeued(messages, next_due_at)

    async def requeue(self, member: str, body: bytes, now: datetime) -> None:
        """Puts back a dequeued message that exists nowhere else."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.psetex(JOB_PREFIX + member, _MESSAGE_LIFE_MS, body)
            pipe.zadd(QUEUE, {member: _milliseconds(now)})
            await pipe.execute()

    async def not_enqueued(self, run_ids: Sequence[str]) -> set[str]:
        """Those of the runs that are not in the queue."""
        if not run_ids:
            return set()
        scores = await self.redis.zmscore(QUEUE, list(run_ids))
        return {run_id for run_id, score in zip(run_ids, scores, strict=True) if score is None}

    async def remove(self, run_ids: Sequence[str]) -> None:
        """Removes these runs and their messages from Redis."""
        if not run_ids:
            return
        prefixes = (JOB_PREFIX, *OTHER_PREFIXES)
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.zrem(QUEUE, *run_ids)
            pipe.delete(*[prefix + run_id for run_id in run_ids for prefix in prefixes])
            await pipe.execute()

    async def ping(self) -> None:
        await self.redis.ping()

    async def close(self) -> None:
        await self.redis.aclose(close_connection_pool=True)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
