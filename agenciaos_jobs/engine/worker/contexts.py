"""The contexts of attempts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.threads import JobThreads
from agenciaos_jobs.engine.wait_tokens import WaitTokens
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.engine.worker.run_streams import RunStreams
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database


@dataclass(frozen=True)
class Contexts:
    """Makes the context of each attempt from the worker's services."""

    database: Database
    clock: Clock
    resources: Mapping[type, Any]
    intake: Intake
    wait_tokens: WaitTokens
    run_log: RunLog
    streams: RunStreams
    threads: JobThreads

    def new(self, run: ClaimedRun, job: Job[Any] | None) -> RunContext[Any]:
        """The context of a claimed run, whose job may be unknown."""
        threads = self.threads.attempt(run.id)
        return RunContext(
            clock=self.clock,
            database=self.database,
            uses=self.resources[job.uses] if job and job.uses else None,
            run=run,
            log=self.run_log.logger(run, threads.check),
            stream=self.streams.opener(run, threads.check),
            intake=self.intake,
            wait_tokens=self.wait_tokens,
            threads=threads,
        )
