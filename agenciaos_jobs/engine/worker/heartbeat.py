"""The heartbeat: reconciles the worker's runs with the database, and flushes logs and metrics."""

from datetime import timedelta

import structlog

from agenciaos_jobs.engine.model.job import REVOKED
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.engine.store.workers import Worker
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.engine.worker.runner import Runner
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.metric_reporter import MetricReporter

log = structlog.get_logger("agenciaos_jobs.heartbeat")

INTERVAL = timedelta(seconds=1)
TIMEOUT = 3.0
"""The limit of each of its statements, in seconds."""


class Heartbeat:
    """One beat a second, on the event loop. The lease is renewed elsewhere, in lease.py."""

    def __init__(self, database: Database, worker: Worker, runner: Runner, run_log: RunLog) -> None:
        self._database, self._worker = database, worker
        self._runner, self._run_log = runner, run_log
        self.worker_id = worker.id
        self._reporter = MetricReporter(database)
        self._untracked: set[tuple[str, int]] = set()

    async def beat(self) -> None:
        """Reconciles and reports. While Postgres is unavailable it logs a warning instead."""
        try:
            await self._reconcile_running()
            await self._runner.end_overdue()
            await self._run_log.flush()
            await self._reporter.flush()
        except DatabaseUnavailableError as error:
            log.warning("heartbeat_missed", error=type(error).__name__)

    async def _reconcile_running(self) -> None:
        """Revokes attempts that this worker no longer owns; marks owned runs that it does not execute as lost.

        A run must be untracked in two beats in a row, because claims and completions may be under way.
        """
        before = dict(self._runner.running)
        mine = await workers.owned_attempts(self._database, self._worker)
        for attempt, running in before.items():
            if attempt not in mine and self._runner.running.get(attempt) is running and not running.is_recording:
                running.stop(REVOKED)
        untracked = mine - self._runner.running.keys()
        if lost := sorted(run_id for run_id, _ in untracked & self._untracked):
            log.error("runs_lost_track_of", run_ids=lost)
            await workers.mark_lost(self._database, self._worker, lost)
        self._untracked = untracked

    async def stop(self) -> None:
        """Reports for the last time and gives up the lease: runs still executing count as lost from here on."""
        try:
            await self._run_log.flush()
            await self._reporter.flush()
            await workers.leave(self._database, self._worker)
        except DatabaseUnavailableError as error:
            log.warning("heartbeat_missed", error=type(error).__name__)
