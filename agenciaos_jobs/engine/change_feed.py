"""The change feed: ids of changed runs over LISTEN/NOTIFY, with polling as the fallback."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
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
POLL_INTERVAL = timedelta(seconds=0.5)

_PING_INTERVAL = timedelta(seconds=2)
_STATEMENT_TIMEOUT = timedelta(seconds=2)
_ECHO_POLLS = 10
_IDLE_RENEWALS = 3
_MAX_IDS = 10_000


class ChangeSubscription:
    """An async iterator over changes: sets of run ids, or ``None`` for "anything may have changed".

    Changes accumulate while the subscriber is busy.
    """

    def __init__(self) -> None:
        self._ids: set[str] | None = set()
        self._has_changes = asyncio.Event()
        self._is_ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> frozenset[str] | None:
        await self._has_changes.wait()
        if self._is_ended:
            raise StopAsyncIteration
        self._has_changes.clear()
        ids, self._ids = self._ids, set()
        return None if ids is None else frozenset(ids)

    def add(self, ids: Collection[str] | None) -> None:
        if ids is None or self._ids is None or len(self._ids) > _MAX_IDS:
            self._ids = None
        else:
            self._ids.update(ids)
        self._has_changes.set()

    def end(self) -> None:
        self._is_ended = True
        self._has_changes.set()


class ChangeFeed:
    """Distributes changes over one listening connection a process, which is open while there are subscribers.

    Every change that commits after :meth:`subscribe` was entered is yielded, by its run's id or as ``None``. Every gap
    in the connection is followed by ``None``.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._id = database, clock.new_id("watcher")
        self._subscriptions: set[ChangeSubscription] = set()
        self._listener: asyncio.Task[None] | None = None
        self._is_closed = False
        self._echoed = asyncio.Event()

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[ChangeSubscription]:
        """Subscribes to changes from now on. The iteration ends when the server stops."""
        subscription = ChangeSubscription()
        self._subscriptions.add(subscription)
        if self._is_closed:
            subscription.end()
        elif self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def close(self) -> None:
        """Ends every subscription and closes the connection."""
        self._is_closed = True
        for subscription in self._subscriptions:
            subscription.end()
        if self._listener:
            self._listener.cancel()
            await asyncio.wait([self._listener])

    async def _listen(self) -> None:
        while True:
            try:
                await self._deliver()
            except DatabaseUnavailableError as error:
                log.warning("changes_interrupted", error=str(error))
                await asyncio.sleep(RETRY.total_seconds())
            except Exception:  # a bug is logged, and must not stop the feed
                log.exception("changes_interrupted")
                await asyncio.sleep(RETRY.total_seconds())
            if not self._subscriptions:
                self._listener = None
                return

    async def _deliver(self) -> None:
        """Publishes changes for as long as the connection lasts. Raises :class:`DatabaseUnavailableError`."""
        if not self._database.is_notified:
            log.info("changes_polled", reason="a pooler in transaction mode is between")
            await self._poll()
            return
        async with AsyncExitStack() as stack:
            listening = self._database.own_connection(_STATEMENT_TIMEOUT.total_seconds(), listens=True)
            try:
                connection = await stack.enter_async_context(listening)
            except DatabaseUnavailableError as error:  # DIRECT_URL may be, where DATABASE_URL is not
                log.warning("changes_interrupted", error=str(error))
                await self._poll(RETRY)
                return
            await self._follow(connection)

    async def _follow(self, connection: Connection) -> None:
        """Listens until there have been no subscribers for some renewals, or the connection is lost.

        Raises :class:`DatabaseUnavailableError`.
        """
        disconnected = asyncio.Event()
        connection.add_termination_listener(lambda _: disconnected.set())
        await connection.add_listener(watchers.CHANNEL, self._on_notification)
        idle, is_new = 0, True
        try:
            while idle < _IDLE_RENEWALS:
                self._echoed.clear()
                was_leased = await watchers.renew(connection, self._id, LEASE)
                if is_new or not was_leased:
                    is_new = False
                    await self._announce_gap(connection)
                if not await self._receives_echo():
                    log.warning("changes_polled", reason="no notification arrives")
                    return await self._poll()
                await self._wait_for_renewal(connection, disconnected)
                idle = 0 if self._subscriptions else idle + 1
        except TimeoutError:
            connection.terminate()
            raise
        finally:
            if not connection.is_closed():
                await watchers.leave(connection, self._id)

    async def _wait_for_renewal(self, connection: Connection, disconnected: asyncio.Event) -> None:
        """Waits, and probes the connection meanwhile: one that carries nothing any more looks like an idle one.

        Raises ``TimeoutError`` if it does not respond.
        """
        renewal = asyncio.get_running_loop().time() + RENEWAL.total_seconds()
        while not disconnected.is_set() and asyncio.get_running_loop().time() < renewal:
            if not await wait_for(disconnected, min(_PING_INTERVAL, RENEWAL)):
                await watchers.ping(connection)

    async def _announce_gap(self, connection: Connection) -> None:
        """Announces a gap, repeatedly until every transaction that began to write before the lease has ended."""
        transaction_id = await watchers.next_transaction(connection)
        pause = 0.05
        self._publish(None)
        while not await watchers.all_ended_before(connection, transaction_id):
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY.total_seconds())
            self._publish(None)

    async def _receives_echo(self) -> bool:
        """Whether the notification of a renewal arrives. A gap is announced repeatedly until it does."""
        for _ in range(_ECHO_POLLS):
            if await wait_for(self._echoed, POLL_INTERVAL):
                return True
            self._publish(None)
        return False

    async def _poll(self, duration: timedelta = timedelta.max) -> None:
        """Announces a gap whenever a transaction has committed, for as long as there are subscribers."""
        present = asyncio.get_running_loop().time
        ends_at, snapshot = present() + duration.total_seconds(), ""
        while self._subscriptions and present() < ends_at:
            before, snapshot = snapshot, await watchers.snapshot(self._database)
            if snapshot != before:
                self._publish(None)
            await asyncio.sleep(POLL_INTERVAL.total_seconds())

    def _on_notification(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        text = str(payload)
        if text == self._id:
            self._echoed.set()
        elif text == watchers.ANYTHING:
            self._publish(None)
        elif text.startswith("run_"):
            self._publish(text.split(","))

    def _publish(self, ids: Collection[str] | None) -> None:
        for subscription in self._subscriptions:
            subscription.add(ids)
