"""Administration of queues: pause, resume, and the override of their concurrency limit."""

from collections.abc import Collection

import structlog

from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.store import queues, runs
from agenciaos_jobs.engine.store.queues import QueueState
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text

log = structlog.get_logger("agenciaos_jobs.queue_admin")


class UnknownQueueError(DomainError):
    """No task and no open run has this queue."""

    status = 404
    text = Text("Fila não encontrada", "Queue not found")


class QueueAdmin:
    """Reads and changes queues. ``tasks`` are the offered ones, each of which has a queue of its own.

    ``name`` is the queue that callers gave their runs, or ``task/<task>``. ``who`` is shown to operators. Every change
    returns the queue's new state, and raises :class:`UnknownQueueError` for a queue that does not exist.
    """

    def __init__(self, database: Database, outbox: RedisOutbox, clock: Clock, tasks: Collection[str]) -> None:
        self._database, self._outbox, self._clock, self._tasks = database, outbox, clock, tasks

    async def all(self) -> list[QueueState]:
        """Every task's queue, and every other one with open runs or a setting of its own."""
        return await queues.states(self._database, list(self._tasks))

    async def get(self, name: str) -> QueueState:
        found = next((queue for queue in await self.all() if queue.name == name), None)
        if found is None:
            raise UnknownQueueError(name)
        return found

    async def pause(self, name: str, who: str | None = None) -> QueueState:
        """Lets no run of the queue start, until it is resumed. Runs under way go on, and triggers are accepted."""
        await self.get(name)
        await queues.pause(self._database, name, self._clock.now(), who)
        log.info("queue_paused", queue=name, by=who)
        return await self.get(name)

    async def resume(self, name: str) -> QueueState:
        """Lets the queue's runs start again, and enqueues those that waited."""
        await self.get(name)
        await queues.resume(self._database, name)
        log.info("queue_resumed", queue=name)
        await self._enqueue_waiting()
        return await self.get(name)

    async def override_limit(self, name: str, limit: int, who: str | None = None) -> QueueState:
        """Sets the limit of the queue, whatever limits its runs came with. 0 lets none start."""
        await self.get(name)
        await queues.override(self._database, name, limit, self._clock.now(), who)
        log.info("queue_limit_overridden", queue=name, limit=limit, by=who)
        self._outbox.send(*await runs.unblock_stuck(self._database))
        return await self.get(name)

    async def reset_limit(self, name: str) -> QueueState:
        """Lets the limits count again that the queue's runs came with."""
        await self.get(name)
        await queues.reset(self._database, name)
        log.info("queue_limit_reset", queue=name)
        self._outbox.send(*await runs.unblock_stuck(self._database))
        return await self.get(name)

    async def _enqueue_waiting(self) -> None:
        """A crash in between leaves the rest to the rescuer."""
        self._outbox.send(*await runs.unblock_stuck(self._database))
        while resumed := await queues.unpark_resumed(self._database):
            self._outbox.send(*resumed)
