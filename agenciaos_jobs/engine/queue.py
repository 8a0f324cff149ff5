"""The queue: run ids in arq's own Redis keys."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from redis.asyncio import SSLConnection
from redis.asyncio.client import PubSub
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
    is_untrusted,
    message_of,
)
from agenciaos_jobs.engine.model.run import QueuedRun
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text

__all__ = ["UNAVAILABLE", "WAKE", "Dequeued", "Queue", "UntrustedCertificateError", "connect", "decode"]

log = structlog.get_logger("agenciaos_jobs.queue")

WAKE = "agenciaos:wake"
"""The channel that wakes all workers. Each worker also has its own: see :func:`channel_of`."""

IDLE = "agenciaos:idle"
"""The set of idle workers: those with a free slot that have found nothing due."""

_PINGED_AFTER = 8
_MAX_SILENCE = 10
"""In seconds: a subscription that was silent for so long is pinged, and one that stays silent is replaced."""

_RECONNECT_INTERVAL = 1.0

_MESSAGE_LIFE_MS = 7 * 24 * 3600 * 1000

# KEYS: the queue, the idle workers. ARGV: the prefix of arq's messages, the wake-up channel, the number of due runs,
# and a JSON array, due runs first, with each run's id, its message, the message's lifetime in ms and its score.
# A single due run is handed to an idle worker and never enters the queue; several wake as many idle workers. All
# workers wake when a run that is not due yet is first in line, and when none is registered as idle (after FLUSHALL).
# A pipeline costs the client several times as much.
_SEND = """
local function wake_idle(text)
  local worker = redis.call('SPOP', KEYS[2])
  while worker do
    if redis.call('PUBLISH', ARGV[2] .. ':' .. worker, text) > 0 then return true end
    worker = redis.call('SPOP', KEYS[2])
  end
  return false
end
local runs, due = cjson.decode(ARGV[4]), tonumber(ARGV[3])
if due == 1 and #runs == 1 and wake_idle(runs[1][1]) then return end
for _, run in ipairs(runs) do
  redis.call('PSETEX', ARGV[1] .. run[1], run[3], run[2])
  redis.call('ZADD', KEYS[1], run[4], run[1])
end
local woken = 0
while woken < due and wake_idle('') do woken = woken + 1 end
if woken == 0 or due < #runs then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  for _, run in ipairs(runs) do
    if run[1] == first then redis.call('PUBLISH', ARGV[2], '') end
  end
end
"""

# KEYS: the queue, the idle workers. ARGV: now in ms, the limit, the prefix of arq's cron jobs, the prefix of arq's
# messages, the worker. Removes due members and returns them with their messages, and when the next member is due. Skips
# arq's cron jobs. A worker that gets none becomes idle.
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
redis.call(#dequeued > 0 and 'SREM' or 'SADD', KEYS[2], ARGV[5])
local next = ''
local waiting = redis.call('ZRANGE', KEYS[1], 0, 100, 'WITHSCORES')
for i = 1, #waiting, 2 do
  if string.sub(waiting[i], 1, #ARGV[3]) ~= ARGV[3] then next = waiting[i + 1] break end
end
return {dequeued, next}
"""


class UntrustedCertificateError(DomainError):
    """The certificate of Redis is not trusted."""

    status = 503
    text = Text(
        "O certificado TLS do Redis não é confiável: em REDIS_TLS_VERIFY, informe o arquivo da CA, ou 0 (não verifica)",
        "The TLS certificate of Redis is not trusted: set REDIS_TLS_VERIFY to a CA file, or to 0 to skip verification",
    )


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
        """Enqueues runs and wakes workers, or hands a single due run to an idle one.

        Sending a run twice has no further effect.
        """
        if not runs:
            return
        now_ms = _milliseconds(now)
        members, due = [], sum(run.due_at <= now for run in runs)
        for run in runs if due in (0, len(runs)) else sorted(runs, key=lambda run: run.due_at > now):
            message = message_of(run.task, run.id, now_ms)
            due_ms = _milliseconds(run.due_at)
            # A run that is not due yet gets no priority: it must not be dequeued before its time.
            score = due_ms if due_ms > now_ms else due_ms - run.priority * 1000
            # Numbers are sent as text, because Lua formats large ones with an exponent.
            members.append((run.id, message, str(max(due_ms - now_ms, 0) + _MESSAGE_LIFE_MS), str(score)))
        values = (QUEUE, IDLE, JOB_PREFIX, WAKE, due, orjson.dumps(members))
        await self.redis.execute_command("EVAL", _SEND, 2, *values)  # type: ignore[no-untyped-call]

    async def dequeue(self, limit: int, now: datetime, worker_id: str) -> Dequeued:
        """Removes up to ``limit`` due members from the queue and returns them; if there are none, registers as idle."""
        try:
            arguments = (str(_milliseconds(now)), str(limit), CRON, JOB_PREFIX, worker_id)
            reply: Any = await self.redis.eval(_DEQUEUE, 2, QUEUE, IDLE, *arguments)  # type: ignore[misc]
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

    async def leave_idle(self, worker_id: str) -> None:
        """Unregisters an idle worker, so that no more runs are handed to it."""
        await self.redis.srem(IDLE, worker_id)  # type: ignore[misc]

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

    async def listen(self, worker_id: str, wake: Callable[[str], None]) -> None:
        """Calls ``wake`` with the id of each run that is handed to this worker, until it is cancelled.

        It is called with an empty text when a run is enqueued, and after every gap in the connection.
        """
        while True:
            channel = self.redis.pubsub()
            try:
                await channel.subscribe(WAKE, channel_of(worker_id))
                wake("")
                await self._follow(channel, wake)
            except UNAVAILABLE:
                await asyncio.sleep(_RECONNECT_INTERVAL)
            finally:
                await channel.aclose()  # type: ignore[no-untyped-call]

    async def _follow(self, channel: PubSub, wake: Callable[[str], None]) -> None:
        """Passes on messages. Returns if a ping remains unanswered: the connection carries nothing any more."""
        silence = 0
        while silence < _MAX_SILENCE:
            # Shorter than the client's socket timeout, which would close an idle worker's connection.
            message = await channel.get_message(timeout=1)
            if message is None:
                silence += 1
                if silence == _PINGED_AFTER:
                    await channel.ping()
                continue
            silence = 0
            if message["type"] == "message":
                wake(message["data"].decode())
        log.warning("wakeups_interrupted")

    async def ping(self) -> None:
        await self.redis.ping()

    async def require_trust(self) -> None:
        """Raises :class:`UntrustedCertificateError`, which no retry mends; does nothing without TLS or an answer."""
        if not issubclass(self.redis.connection_pool.connection_class, SSLConnection):
            return
        try:
            await self.ping()
        except UNAVAILABLE as error:
            if is_untrusted(error):
                raise UntrustedCertificateError from error
        finally:
            await self.redis.connection_pool.disconnect()

    async def close(self) -> None:
        await self.redis.aclose(close_connection_pool=True)


def channel_of(worker_id: str) -> str:
    """The channel on which an idle worker is woken; a message is the id of a run that is handed to it, or empty."""
    return f"{WAKE}:{worker_id}"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
