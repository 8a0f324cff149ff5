"""The queue: arq's own keys in Redis, which carry run ids and nothing else."""

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
class Dequeued:
    """What was in the queue: members with their messages, and when the next one is due, if there is one."""

    messages: list[tuple[str, bytes]]
    next_due_at: datetime | None


class Queue:
    """Sends runs to workers, and hands them out. Times in Redis are the clock's, which all processes share."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def send(self, runs: Sequence[QueuedRun], now: datetime) -> None:
        """Sends runs to the workers and wakes them. Sending what is there already changes nothing."""
        if not runs:
            return
        now_ms = _milliseconds(now)
        members = []
        for run in runs:
            message = message_of(run.task, run.id, now_ms)
            due_ms = _milliseconds(run.due_at)
            # A run that is not due yet gets no lead: it must not be handed out before its time.
            score = due_ms if due_ms > now_ms else due_ms - run.priority * 1000
            # Numbers go as text: Lua would write the large ones with an exponent.
            members.append((run.id, message, str(max(due_ms - now_ms, 0) + _MESSAGE_LIFE_MS), str(score)))
        values = (QUEUE, JOB_PREFIX, WAKE, orjson.dumps(members))
        await self.redis.execute_command("EVAL", _SEND, 1, *values)  # type: ignore[no-untyped-call]

    async def dequeue(self, most: int, now: datetime) -> Dequeued:
        """Takes up to ``most`` due members out of the queue."""
        try:
            asked = (str(_milliseconds(now)), str(most), CRON, JOB_PREFIX)
            reply: Any = await self.redis.eval(_TAKE, 1, QUEUE, *asked)  # type: ignore[misc]
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
        """Restores a message that nobody but Redis has."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.psetex(JOB_PREFIX + member, _MESSAGE_LIFE_MS, body)
            pipe.zadd(QUEUE, {member: _milliseconds(now)})
            await pipe.execute()

    async def not_enqueued(self, run_ids: Sequence[str]) -> set[str]:
        """Those of the runs that no worker will find in the queue."""
        if not run_ids:
            return set()
        scores = await self.redis.zmscore(QUEUE, list(run_ids))
        return {run_id for run_id, score in zip(run_ids, scores, strict=True) if score is None}

    async def remove(self, run_ids: Sequence[str]) -> None:
        """Drops whatever Redis holds of these runs."""
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
