"""The rescuer: makes the world agree with the runs' rows after crashes, outages and lost messages."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.model.run import QueuedRun, RunError
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.queue import UNAVAILABLE as QUEUE_UNAVAILABLE
from agenciaos_jobs.engine.queue import Queue
from agenciaos_jobs.engine.store import queues, runs, workers
from agenciaos_jobs.engine.store.runs import LostRun
from agenciaos_jobs.engine.worker.completer import FailuresHook
from agenciaos_jobs.engine.worker.housekeeping import Housekeeping
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.rescuer")

INTERVAL = timedelta(seconds=2)
WORKER_LOST = RunError(
    type="WorkerLost", message="the worker was lost in the middle of the attempt", code="worker_lost"
)

EXPIRED = RunError(type="Expired", message="the run was not started within its time to live", code="expired")

_PAGE = 5_000
_ENQUEUE_GRACE = timedelta(seconds=2)

# No worker can renew its lease during a database outage, so all get time to renew before any counts as lost.
_RENEWAL_GRACE = timedelta(seconds=5)


class Rescuer:
    """Rescues orphaned runs. Every worker runs one; an advisory lock lets one at a time change rows."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        outbox: RedisOutbox,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        worker_id: str,
        on_failures: FailuresHook,
        housekeeping: Housekeeping,
    ) -> None:
        self._database, self._queue, self._outbox, self._clock = database, queue, outbox, clock
        self._jobs, self._worker_id, self._on_failures, self._housekeeping = jobs, worker_id, on_failures, housekeeping
        self._page_ends_at = ""
        self._rescue_not_before = self._clock.now()

    async def run_once(self) -> None:
        """One round of repairs; whatever an outage prevents is left for the next round."""
        try:
            await self._terminate_backends_of_expired_workers()
            lost = await self._repair_rows()
            try:
                await self._requeue_rescued(lost)
                self._outbox.send(*await runs.unblock_stuck(self._database))
                self._outbox.send(*await queues.unpark_resumed(self._database))
                await self._reenqueue_missing()
            except QUEUE_UNAVAILABLE as error:  # housekeeping needs only Postgres
                log.warning("sweep_interrupted", error=type(error).__name__)
            await self._housekeeping.run_due()
        except DatabaseUnavailableError as error:
            log.warning("sweep_interrupted", error=type(error).__name__)
            self._rescue_not_before = self._clock.now() + _RENEWAL_GRACE

    async def _terminate_backends_of_expired_workers(self) -> None:
        """Runs before the maintenance lock is requested, because an expired worker may hold it."""
        now = self._clock.now()
        if now < self._rescue_not_before:
            return
        if cut := await workers.terminate_backends_of_expired(self._database, now, self._worker_id):
            log.warning("lost_workers_cut_off", transactions=cut)

    async def _repair_rows(self) -> list[LostRun]:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if not await workers.try_maintenance_lock(connection):
                return []
            lost = []
            if now >= self._rescue_not_before:
                lost = await runs.rescue_orphans(connection, WORKER_LOST, now, self._worker_id)
            crashed = [(run.id, run.task) for run in lost if not run.will_retry]
            expired = await runs.expire(connection, EXPIRED, now)
            await self._run_discard_hooks(connection, crashed + expired)
            await runs.promote_scheduled(connection, now)
            failed = [(run_id, task, WORKER_LOST) for run_id, task in crashed]
            failed += [(run_id, task, EXPIRED) for run_id, task in expired]
            await self._on_failures(connection, failed)
        for outcome, ended in (("crashed", crashed), ("expired", expired)):
            for run_id, task in ended:
                metrics.RUNS.labels(task, outcome).inc()
                log.warning("run_ended_by_sweeper", run_id=run_id, task=task, outcome=outcome)
        metrics.LEASES_LOST.inc(len({run.worker_id for run in lost}))
        for run in lost:
            log.warning("worker_lost", run_id=run.id, task=run.task, goes_on=run.will_retry)
            metrics.RESCUER_REPAIRS.labels("worker_lost").inc()
        return lost

    async def _requeue_rescued(self, lost: list[LostRun]) -> None:
        """Enqueues the rescued runs that will retry, in place of whatever Redis still holds for the lost worker."""
        await self._queue.remove([run.id for run in lost])
        now = self._clock.now()
        await self._queue.send([QueuedRun(run.id, run.task, now, run.priority) for run in lost if run.will_retry], now)

    async def _run_discard_hooks(self, connection: Connection, ended: list[tuple[str, str]]) -> None:
        by_task: dict[str, list[str]] = defaultdict(list)
        for run_id, task in ended:
            by_task[task].append(run_id)
        for task, run_ids in by_task.items():
            job = self._jobs.get(task)
            if job and job.hooks.on_discard:
                await job.hooks.on_discard(connection, run_ids)

    async def _reenqueue_missing(self) -> None:
        """Enqueues due runs that are missing from the queue. Each round checks the next page of due runs."""
        now = self._clock.now()
        page = await runs.waiting(self._database, now - _ENQUEUE_GRACE, self._page_ends_at, _PAGE)
        self._page_ends_at = page[-1].id if len(page) == _PAGE else ""
        missing = await self._queue.not_enqueued([run.id for run in page])
        await self._queue.send([run for run in page if run.id in missing], now)
        if missing:
            log.warning("runs_sent_again", runs=len(missing))
            metrics.RESCUER_REPAIRS.labels("sent_again").inc(len(missing))
