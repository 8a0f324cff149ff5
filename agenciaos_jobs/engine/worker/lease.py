"""The lease: the worker's claim to its runs, renewed from a thread with an event loop and a connection of its own.

A job that blocks the worker's event loop does not cost the worker its lease, and the runs beside it their attempts. A
process that is frozen or dead renews nothing.
"""

import asyncio
import resource
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import structlog
import uvloop

from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.engine.store.workers import Worker
from agenciaos_jobs.engine.worker import watchdog
from agenciaos_jobs.engine.worker.watchdog import Watchdog
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError, Executor
from agenciaos_jobs.foundation.loops import run_periodically, wait_for

log = structlog.get_logger("agenciaos_jobs.heartbeat")

INTERVAL = timedelta(seconds=1)
LEASE = timedelta(seconds=10)
_TIMEOUT = 3.0


class Lease:
    """A worker without a renewal for :data:`LEASE` counts as lost, and its runs are rescued.

    Renewals end when the event loop counts as dead, so that a deadlocked worker is rescued too.
    The thread is also the one that keeps the clock in step with the database's. With each renewal the worker learns
    whether an operator drains it; a change is passed to ``set_draining`` on the event loop that has started the lease.
    """

    def __init__(
        self, database: Database, clock: Clock, worker: Worker, watchdog: Watchdog, set_draining: Callable[[bool], None]
    ) -> None:
        self._database, self._clock, self._worker, self._watchdog = database, clock, worker, watchdog
        self._set_draining, self._is_draining = set_draining, False
        self._stop = asyncio.Event()
        self._ended: Future[None] = Future()

    async def start(self) -> None:
        """Takes the lease, and renews it from a thread until :meth:`stop`."""
        self._main = asyncio.get_running_loop()
        try:
            await self._renew(self._database)
        except DatabaseUnavailableError as error:
            log.warning("heartbeat_missed", error=type(error).__name__)
        self._watchdog.watch()
        self._loop = uvloop.new_event_loop()
        threading.Thread(target=self._run, name="lease", daemon=True).start()

    async def stop(self) -> None:
        """Ends the renewals; the lease itself lasts until it is given up or expires."""
        self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.wait([asyncio.wrap_future(self._ended)], timeout=_TIMEOUT)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()
            self._ended.set_result(None)

    async def _work(self) -> None:
        await asyncio.gather(
            run_periodically(INTERVAL, self._keep, self._stop),
            run_periodically(watchdog.INTERVAL, self._watchdog.check, self._stop),
        )

    async def _keep(self) -> None:
        """Renews the lease over one connection for as long as that lasts."""
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(_TIMEOUT):
                    connection = await stack.enter_async_context(self._database.own_connection(_TIMEOUT))
                await self._renew_repeatedly(connection)
        except (DatabaseUnavailableError, TimeoutError) as error:
            log.warning("heartbeat_missed", error=type(error).__name__)

    async def _renew_repeatedly(self, connection: Connection) -> None:
        try:
            while not self._stop.is_set():
                if not self._watchdog.is_loop_dead(self._clock.now()):
                    async with asyncio.timeout(_TIMEOUT):
                        await self._renew(connection)
                await wait_for(self._stop, INTERVAL)
        except BaseException:
            connection.terminate()  # closing a broken connection would wait for its answer
            raise

    async def _renew(self, executor: Executor) -> None:
        await workers.synchronise(executor, self._clock)
        now = self._clock.now()
        is_draining = await workers.renew(executor, self._worker, now, now + LEASE, _memory())
        if is_draining != self._is_draining:
            self._is_draining = is_draining
            log.info("worker_drain_changed", draining=is_draining)
            self._main.call_soon_threadsafe(self._set_draining, is_draining)


def _memory() -> int | None:
    """The process's resident memory in bytes (proc_pid_statm(5)); ``None`` where there is no /proc."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return None
