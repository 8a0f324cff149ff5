"""What jobs' runs have left behind outside, put right while nobody waits for it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from agenciaos_jobs.engine.context import App
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.foundation.database import DatabaseUnavailable

log = structlog.get_logger("agenciaos_jobs.tidier")

INTERVAL = timedelta(seconds=2)


class Tidier:
    """Calls the jobs' ``tidy``. Apart from the sweeper, because it may wait for the network."""

    def __init__(self, app: App, jobs: Mapping[str, Job[Any]]) -> None:
        self._app, self._jobs = app, jobs

    async def tidy(self) -> None:
        """One round; while Postgres is away it only says so."""
        try:
            for job in self._jobs.values():
                if job.tidy:
                    await job.tidy(self._app)
        except DatabaseUnavailable as error:
            log.warning("tidying_interrupted", error=type(error).__name__)
