"""Which runs have changed: Postgres says so, and nobody asks it again and again."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Self

import structlog

from agenciaos_jobs.engine.store import watchers
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.loops import wait_for

log = structlog.get_logger("agenciaos_jobs.changes")

LEASE = timedelta(seconds=30)
RENEWAL = timedelta(seconds=10)
RETRY = timedelta(seconds=1)

_PATIENCE = timedelta(seconds=5)
_IDLE_ROUNDS = 3
_MOST_IDS = 10_000


class ChangeSubscription:
    """What one watcher has yet to hear of: the ids of runs, or ``None`` for "anything may have changed"."""

    def __init__(self) -> None:
        self._ids: set[str] | None = set()
        self._news = asyncio.Event()
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> frozenset[str] | None:
        await self._news.wait()
        if self._is_over:
            raise StopAsyncIteration
        self._news.clear()
        ids, self._ids = self._ids, set()
        return None if ids is None else frozenset(ids)

    def add(self, ids: Collection[str] | None) -> None:
        if ids is None or self._ids is None or len(self._ids) > _MOST_IDS:
            self._ids = None
        else:
            self._ids.update(ids)
        self._news.set()

    def end(self) -> None:
        self._is_over = True
        self._news.set()


class ChangeFeed:
    """One listening connection a process, opened for the first watcher and closed some time after the last one.

    Whatever is committed after :meth:`watch` was entered is yielded, by its id or as ``None``, which also follows
    every gap.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._id = database, clock.new_id("watcher")
        self._watches: set[ChangeSubscription] = set()
        self._listener: asyncio.Task[None] | None = None
        self._is_closed = False
        self._heard = asyncio.Event()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[ChangeSubscription]:
        """What changes from now on, gathered while the watcher is busy; the end when the server stops."""
        watch = ChangeSubscription()
        self._watches.add(watch)
        if self._is_closed:
            watch.end()
        elif self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def close(self) -> None:
        """Ends every watch."""
        self._is_closed = True
        for watch in self._watches:
            watch.end()
        if self._listener:
            self._listener.cancel()
            await asyncio.wait([self._listener])

    async def _listen(self) -> None:
        while True:
            try:
                async with self._database.own_connection() as connection:
                    await self._follow(connection)
            except DatabaseUnavailableError as error:
                log.warning("changes_interrupted", error=str(error))
                await asyncio.sleep(RETRY.total_seconds())
            except Exception:  # a failure is reported, and must not leave the watchers deaf
                log.exception("changes_interrupted")
                await asyncio.sleep(RETRY.total_seconds())
            if not self._watches:
                self._listener = None
                return

    async def _follow(self, connection: Connection) -> None:
        """Listens until nobody has watched for a while; :class:`DatabaseUnavailableError` when the line is cut."""
        cut = asyncio.Event()
        connection.add_termination_listener(lambda _: cut.set())
        await connection.add_listener(watchers.CHANNEL, self._hear)
        idle, is_new = 0, True
        try:
            while idle < _IDLE_ROUNDS:
                self._heard.clear()
                async with asyncio.timeout(_PATIENCE.total_seconds()):
                    was_told = await watchers.renew(connection, self._id, LEASE)
                if is_new or not was_told:
                    is_new = False
                    await self._settle(connection)
                if not await wait_for(self._heard, _PATIENCE):
                    log.warning("changes_polled", reason="no notification arrives; is a transaction pooler between?")
                    return await self._poll()
                await wait_for(cut, RENEWAL)
                idle = 0 if self._watches else idle + 1
        finally:
            if not connection.is_closed():
                await watchers.leave(connection, self._id)

    async def _settle(self, connection: Connection) -> None:
        """Tells of the gap, and once more when all who wrote before the lease began have committed unheard."""
        mark = await watchers.next_transaction(connection)
        pause = 0.05
        self._tell(None)
        while not await watchers.all_ended_before(connection, mark):
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY.total_seconds())
            self._tell(None)

    async def _poll(self) -> None:
        """Where notifications do not come through, watchers look every second."""
        while self._watches:
            self._tell(None)
            await asyncio.sleep(RETRY.total_seconds())

    def _hear(self, _connection: Any, _pid: int, _channel: str, told: object) -> None:
        text = str(told)
        if text == self._id:
            self._heard.set()
        elif text == watchers.ANYTHING:
            self._tell(None)
        elif text.startswith("run_"):
            self._tell(text.split(","))

    def _tell(self, ids: Collection[str] | None) -> None:
        for watch in self._watches:
            watch.add(ids)
