"""What a worker does all the time: renew its lease, drop what is not its own any more, and report."""

from datetime import timedelta

import structlog

from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.engine.store.workers import Worker
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.engine.worker.runner import Runner
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.metric_reporter import MetricReporter

log = structlog.get_logger("agenciaos_jobs.heartbeat")

INTERVAL = timedelta(seconds=1)
LEASE = timedelta(seconds=10)


class Heartbeat:
    """One beat a second. Without one for :data:`LEASE` the worker counts as lost, and its runs start elsewhere."""

    def __init__(self, database: Database, clock: Clock, worker: Worker, runner: Runner, run_log: RunLog) -> None:
        self._database, self._clock, self._worker = database, clock, worker
        self._runner, self._run_log = runner, run_log
        self.worker_id = worker.id
        self._reporter = MetricReporter(database)
        self._untracked: set[str] = set()

    async def beat(self) -> None:
        """Renews, compares and reports; while Postgres is away it only says so."""
        try:
            await workers.synchronise(self._database, self._clock)
            now = self._clock.now()
            await workers.renew(self._database, self._worker, now, now + LEASE)
            await self._compare()
            await self._run_log.flush()
            await self._reporter.flush()
        except DatabaseUnavailableError as error:
            log.warning("heartbeat_missed", error=type(error).__name__)

    async def _compare(self) -> None:
        """Stops attempts that are not this worker's any more; declares lost what it has but does not execute."""
        before = dict(self._runner.running)
        mine = await workers.owned_run_ids(self._database, self._worker)
        for run_id, running in before.items():
            if run_id not in mine and self._runner.running.get(run_id) is running and not running.is_ending:
                running.revoke()
        untracked = mine - self._runner.running.keys()
        if lost := untracked & self._untracked:
            log.error("runs_lost_track_of", run_ids=sorted(lost))
            await workers.mark_lost(self._database, self._worker, sorted(lost))
        self._untracked = untracked

    async def stop(self) -> None:
        """The last report; whatever the worker still executes is lost from here on."""
        try:
            await self._run_log.flush()
            await self._reporter.flush()
            await workers.leave(self._database, self._worker)
        except DatabaseUnavailableError as error:
            log.warning("heartbeat_missed", error=type(error).__name__)
