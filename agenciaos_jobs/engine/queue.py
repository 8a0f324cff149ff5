"""The queue: run ids in arq's own Redis keys."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import ResponseError

from agenciaos_jobs.engine import queue_scripts
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
"""The channel that wakes all workers. Each worker also has its own: see :func:`channel_of`."""

IDLE = "agenciaos:idle"
"""The set of idle workers: those with a free slot that have found nothing due."""

_PINGED_AFTER = 8
_MAX_SILENCE = 10
"""In seconds: a subscription that was silent for so long is pinged, and one that stays silent is replaced."""

_RECONNECT_INTERVAL = 1.0

_MESSAGE_LIFE_MS = 7 * 24 * 3600 * 1000


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
        keys = [QUEUE, IDLE, *(JOB_PREFIX + member[0] for member in members)]
        values = (len(keys), *keys, WAKE, due, orjson.dumps(members))
        await self.redis.execute_command("EVAL", queue_scripts.SEND, *values)  # type: ignore[no-untyped-call]

    async def dequeue(self, limit: int, now: datetime, worker_id: str) -> Dequeued:
        """Removes up to ``limit`` due members from the queue and returns them; if there are none, registers as idle."""
        try:
            arguments = (str(_milliseconds(now)), str(limit), CRON, worker_id)
            reply: Any = await self.redis.eval(queue_scripts.DEQUEUE, 2, QUEUE, IDLE, *arguments)  # type: ignore[misc]
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            log.error("queue_replaced", error=str(error))
            await self.redis.delete(QUEUE)
            return Dequeued([], None)
        members, next_score = reply
        messages = await self._take(members) if members else []
        next_due_at = datetime.fromtimestamp(float(next_score) / 1000, UTC) if next_score else None
        return Dequeued(messages, next_due_at)

    async def _take(self, members: Sequence[bytes]) -> list[tuple[str, bytes]]:
        """Removes due members with their messages and returns them, without those that another worker has taken."""
        keys = [QUEUE, *(JOB_PREFIX.encode() + member for member in members)]
        bodies: Any = await self.redis.eval(queue_scripts.TAKE, len(keys), *keys, *members)  # type: ignore[misc,arg-type]
        return [
            (member.decode("utf-8", "replace"), body)
            for member, body in zip(members, bodies, strict=True)
            if body is not None
        ]

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

    async def close(self) -> None:
        await self.redis.aclose(close_connection_pool=True)


def channel_of(worker_id: str) -> str:
    """The channel on which an idle worker is woken; a message is the id of a run that is handed to it, or empty."""
    return f"{WAKE}:{worker_id}"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
