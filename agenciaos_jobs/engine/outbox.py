"""The outbox: enqueues stored runs in Redis in the background."""

import asyncio

import structlog

from agenciaos_jobs.engine.model.run import QueuedRun
from agenciaos_jobs.engine.queue import UNAVAILABLE, Queue
from agenciaos_jobs.foundation.clock import Clock

log = structlog.get_logger("agenciaos_jobs.intake")

_BATCH_SIZE = 500


class RedisOutbox:
    """Enqueues stored runs without making callers wait for Redis. The rescuer enqueues runs that get lost."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self._queue, self._clock = queue, clock
        self._waiting: list[QueuedRun] = []
        self._writer: asyncio.Task[None] | None = None

    def send(self, *runs: QueuedRun) -> None:
        """Enqueues runs soon. Runs sent during a write share the next one."""
        self._waiting += runs
        if self._waiting and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._waiting:
            runs, self._waiting = self._waiting[:_BATCH_SIZE], self._waiting[_BATCH_SIZE:]
            try:
                await self._queue.send(runs, self._clock.now())
            except UNAVAILABLE as error:
                log.warning("queue_unavailable", runs=len(runs), error=type(error).__name__)

    async def flush(self) -> None:
        """Waits until all runs sent have been written or dropped."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])
