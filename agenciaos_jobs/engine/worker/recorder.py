"""Records how attempts end: in one transaction, and only by the worker that owns the run."""

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
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.group_commit import GroupCommit
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.storable import storable

log = structlog.get_logger("agenciaos_jobs.recorder")


FailuresHook = Callable[[Connection, Sequence[tuple[str, str, RunError]]], Awaitable[None]]
"""``async (connection, failures)``: called in the transaction that ends runs as failures.

Each failure is a run's id, its task and its error.
"""


@dataclass
class Running:
    """An attempt under way in this process. ``is_recording``: its code has returned, its outcome is being written."""

    run: ClaimedRun
    context: RunContext[Any]
    task: asyncio.Task[Any]
    is_recording: bool = False
    is_revoked: bool = False

    def revoke(self) -> None:
        """Cancels an attempt that this worker no longer owns."""
        self.is_revoked = True
        self.task.cancel()


class Completer:
    """Records how attempts end. Every method raises ``OwnershipLostError`` if the worker no longer owns the run."""

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
            self._complete_all, not_retried=(DatabaseUnavailableError,)
        )
        self._released_keys: GroupCommit[str, None] = GroupCommit(self._unblock_next)

    def release_concurrency_slot(self, run: ClaimedRun) -> None:
        """Unblocks the next run with the same concurrency key, if the run has one."""
        if run.concurrency_key:
            self._released_keys.put(run.concurrency_key)

    async def succeed(self, running: Running, result: Json | CommitWith) -> RunError | None:
        """Completes the run and commits its effect in one transaction; returns the error if the effect gave up."""
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
                await self._run_discard_hook(connection, run)
                await runs.finish(connection, run, self._worker_id, Status.FAILED, now, error=error)
                await self._on_failures(connection, [(run.id, run.task, error)])
                return error
            await runs.finish(connection, run, self._worker_id, Status.COMPLETED, now, output=output)
        return None

    async def _complete_all(self, done: list[tuple[ClaimedRun, Json]]) -> list[bool]:
        ended = await runs.complete(self._database, done, self._worker_id, self._clock.now())
        return [run.id in ended for run, _ in done]

    async def _unblock_next(self, keys: list[str]) -> list[None]:
        """Unblocks the next runs of these concurrency keys; after an outage the rescuer does it."""
        try:
            self._outbox.send(*await runs.unblock_next(self._database, keys))
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", error=str(error))
        return [None] * len(keys)

    async def fail(self, running: Running, error: RunError, next_step: Retry | Status, due_at: datetime) -> None:
        """Records a failed attempt: retries or ends the run, and runs the failure and discard hooks."""
        run, now = running.run, self._clock.now()
        async with self._database.transaction() as connection:
            if isinstance(next_step, Retry):
                await runs.retry(connection, run, self._worker_id, due_at, error, now)
            else:
                await runs.finish(connection, run, self._worker_id, next_step, now, error=error)
                await self._run_discard_hook(connection, run)
            await self._run_failure_hooks(connection, running, error.code or error.type)
            if not isinstance(next_step, Retry):
                await self._on_failures(connection, [(run.id, run.task, error)])

    async def snooze(self, running: Running, due_at: datetime) -> datetime:
        """Requeues the run until ``due_at`` or a wake-up, when the same attempt continues; returns when it is due."""
        return await runs.snooze(self._database, running.run, self._worker_id, due_at, self._clock.now())

    async def release_interrupted(self, running: Running) -> None:
        """Records an attempt that was cancelled; a run that this worker still owns goes back to the queue."""
        run, code = running.run, REVOKED if running.is_revoked else HANDED_BACK
        try:
            async with self._database.transaction() as connection:
                if not running.is_revoked:
                    await runs.hand_back(connection, run, self._worker_id, self._clock.now())
                await self._run_failure_hooks(connection, running, code)
        except OwnershipLostError:  # its outcome was recorded just before it was cancelled
            return
        if not running.is_revoked:
            self._outbox.send(QueuedRun(run.id, run.task, self._clock.now()))
        metrics.RUNS.labels(run.task, code).inc()
        log.info("run_stopped", outcome=code)

    async def _run_failure_hooks(self, connection: Connection, running: Running, code: str) -> None:
        for hook in running.context.failure_hooks:
            await hook(connection, code)

    async def _run_discard_hook(self, connection: Connection, run: ClaimedRun) -> None:
        job = self._jobs.get(run.task)
        if job and job.hooks.on_discard:
            await job.hooks.on_discard(connection, [run.id])

    def describe(self, error: BaseException) -> RunError:
        """The error as stored, with secrets masked."""
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
