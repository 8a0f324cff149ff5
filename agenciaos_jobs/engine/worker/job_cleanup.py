"""Job cleanup: calls the jobs' ``cleanup`` hooks in the background."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from agenciaos_jobs.engine.context import JobContext
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.job_cleanup")

INTERVAL = timedelta(seconds=2)


class JobCleanup:
    """Calls the jobs' ``cleanup`` hooks. Separate from the rescuer, because the hooks may wait for the network."""

    def __init__(
        self, database: Database, clock: Clock, jobs: Mapping[str, Job[Any]], resources: Mapping[type, Any]
    ) -> None:
        self._database = database
        self._hooks = [
            (job.hooks.cleanup, JobContext(clock, database, resources[job.uses] if job.uses else None))
            for job in jobs.values()
            if job.hooks.cleanup
        ]

    async def run_once(self) -> None:
        """Calls each hook once; while Postgres is unavailable it logs a warning."""
        try:
            for cleanup, context in self._hooks:
                await cleanup(context)
        except DatabaseUnavailableError as error:
            log.warning("tidying_interrupted", error=type(error).__name__)
