"""How an attempt's end is written: one transaction, by the worker that owns the run, and nobody else."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import HANDED_BACK, REVOKED, CommitWith, GiveUp, Job, Json, RetryLater
from agenciaos_jobs.engine.model.run import ClaimedRun, QueuedRun, Retry, RunError, Status
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.store import runs
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError, storable
from agenciaos_jobs.foundation.group_commit import GroupCommit
from agenciaos_jobs.foundation.redact import Redactor

log = structlog.get_logger("agenciaos_jobs.recorder")


FailuresHook = Callable[[Connection, Sequence[tuple[str, str, RunError]]], Awaitable[None]]
"""``async (connection, failures)``: called in the transaction that ends runs as failures; ids, tasks and errors."""


@dataclass
class Running:
    """An attempt under way in this process."""

    run: ClaimedRun
    context: RunContext[Any]
    task: asyncio.Task[Any]
    is_ending: bool = False
    is_revoked: bool = False

    def revoke(self) -> None:
        """Stops an attempt that the database no longer counts as this worker's."""
        self.is_revoked = True
        self.task.cancel()


class Recorder:
    """Writes ends. Everything here raises ``OwnershipLostError`` where the run is not this worker's any more."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        worker_id: str,
        outbox: RedisOutbox,
        redactor: Redactor,
        on_failures: FailuresHook,
    ) -> None:
        self._database, self._clock, self._jobs, self._worker_id = database, clock, jobs, worker_id
        self._outbox, self._redactor, self._on_failures = outbox, redactor, on_failures
        self._completions: GroupCommit[tuple[ClaimedRun, Json], bool] = GroupCommit(
            self._complete_all, passing=(DatabaseUnavailableError,)
        )
        self._freed: GroupCommit[str, None] = GroupCommit(self._unpark)

    def free(self, run: ClaimedRun) -> None:
        """Lets the next run of the same concurrency key come."""
        if run.concurrency_key:
            self._freed.put(run.concurrency_key)

    async def succeed(self, running: Running, result: Json | CommitWith) -> RunError | None:
        """Ends the run with what it changes, in one transaction; returns why it failed where only that could tell."""
        run, now = running.run, self._clock.now()
        if not isinstance(result, CommitWith):
            if not await self._completions.submit((run, result)):
                raise OwnershipLostError(run.id)
            return None
        async with self._database.transaction() as connection:
            await runs.hold(connection, run, self._worker_id)
            output = await result.effect(connection)
            if isinstance(output, GiveUp):
                error = self.describe(output)
                await self._abandon(connection, run)
                await runs.finish(connection, run, self._worker_id, Status.FAILED, now, error=error)
                await self._on_failures(connection, [(run.id, run.task, error)])
                return error
            await runs.finish(connection, run, self._worker_id, Status.COMPLETED, now, output=output)
        return None

    async def _complete_all(self, done: list[tuple[ClaimedRun, Json]]) -> list[bool]:
        ended = await runs.complete(self._database, done, self._worker_id, self._clock.now())
        return [run.id in ended for run, _ in done]

    async def _unpark(self, keys: list[str]) -> list[None]:
        """Lets the next runs of these concurrency keys come; what fails here the sweeper makes good."""
        try:
            self._outbox.send(*await runs.unblock_next(self._database, keys))
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", error=str(error))
        return [None] * len(keys)

    async def fail(self, running: Running, error: RunError, next_step: Retry | Status, due_at: datetime) -> None:
        """Ends the attempt, and the run where ``next_step`` is its end; keeps what must outlive a failure."""
        run, now = running.run, self._clock.now()
        async with self._database.transaction() as connection:
            if isinstance(next_step, Retry):
                await runs.retry(connection, run, self._worker_id, due_at, error, now)
            else:
                await runs.finish(connection, run, self._worker_id, next_step, now, error=error)
                await self._abandon(connection, run)
            await self._keep(connection, running, error.code or error.type)
            if not isinstance(next_step, Retry):
                await self._on_failures(connection, [(run.id, run.task, error)])

    async def snooze(self, running: Running, due_at: datetime) -> datetime:
        """Hands the run back until ``due_at``, or until it is woken; its attempt goes on then. Returns when that is."""
        return await runs.snooze(self._database, running.run, self._worker_id, due_at, self._clock.now())

    async def release_interrupted(self, running: Running) -> None:
        """Ends an attempt that was stopped from outside; a run that is still this worker's goes back to the queue."""
        run, code = running.run, REVOKED if running.is_revoked else HANDED_BACK
        try:
            async with self._database.transaction() as connection:
                if not running.is_revoked:
                    await runs.hand_back(connection, run, self._worker_id, self._clock.now())
                await self._keep(connection, running, code)
        except OwnershipLostError:  # its end was recorded just before it was stopped
            return
        if not running.is_revoked:
            self._outbox.send(QueuedRun(run.id, run.task, self._clock.now()))
        metrics.RUNS.labels(run.task, code).inc()
        log.info("run_stopped", outcome=code)

    async def _keep(self, connection: Connection, running: Running, code: str) -> None:
        for effect in running.context.failure_hooks:
            await effect(connection, code)

    async def _abandon(self, connection: Connection, run: ClaimedRun) -> None:
        job = self._jobs.get(run.task)
        if job and job.hooks.on_discard:
            await job.hooks.on_discard(connection, [run.id])

    def describe(self, error: BaseException) -> RunError:
        """The error as it is stored, without secrets."""
        stack = "".join(traceback.format_exception(error))
        return RunError(
            type=type(error).__name__,
            message=self._storable(str(error)),
            code=error.code if isinstance(error, GiveUp | RetryLater) else None,
            stack=self._storable(stack),
            details=error.details if isinstance(error, GiveUp) else {},
        )

    def _storable(self, text: str) -> str:
        return storable(self._redactor.text(text))
