"""Writes how attempts end: in one transaction, and only for the worker that owns the run."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog

from agenciaos_jobs.engine.model.job import HANDED_BACK, REVOKED, CommitWith, GiveUp, Job, Waiting
from agenciaos_jobs.engine.model.run import ClaimedRun, QueuedRun, Retry, RunError, Status
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.store import runs
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.engine.threads import EXIT_TIMEOUT
from agenciaos_jobs.engine.worker.description import describe
from agenciaos_jobs.engine.worker.running import Running
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import ENGINE_TIMEOUT, Connection, Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.group_commit import GroupCommit
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.storable import encode

log = structlog.get_logger("agenciaos_jobs.recorder")

MAX_OUTPUT = 3_000_000
"""The most bytes of a run's output as JSON."""

FailuresHook = Callable[[Connection, Sequence[tuple[str, str, RunError]]], Awaitable[None]]
"""``async (connection, failures)``: called in the transaction that ends runs as failures.

Each failure is a run's id, its task and its error.
"""


class EffectError(Exception):
    """A job's own code raised, in a transaction that records an outcome, what would look like an outage there.

    The cause is what it raised.
    """


class Completer:
    """Writes how attempts end. Every method raises ``OwnershipLostError`` if the worker no longer owns the run."""

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
        self._completions: GroupCommit[tuple[ClaimedRun, str], bool] = GroupCommit(
            self._complete_all, not_retried=(DatabaseUnavailableError,)
        )
        self._released_keys: GroupCommit[str, None] = GroupCommit(self._unblock_next)

    def release_concurrency_slot(self, run: ClaimedRun) -> None:
        """Unblocks the next run with the same concurrency key, if the run has one."""
        if run.concurrency_key:
            self._released_keys.put(run.concurrency_key)

    async def complete(self, running: Running, output: str) -> None:
        """Completes the run with an output, which is JSON text; concurrent calls share one statement."""
        if not await self._completions.submit((running.run, output)):
            raise OwnershipLostError(running.run.id)

    async def complete_with(self, running: Running, effect: CommitWith) -> RunError | None:
        """Completes the run and commits its effect in one transaction; returns the error if the effect gave up."""
        run = running.run
        async with self._database.transaction() as connection:
            await runs.hold(connection, run, self._worker_id)
            with _job_code(connection):
                output = await effect.effect(connection)
            now = self._clock.now()
            if isinstance(output, GiveUp):
                error = self.describe(output)
                await self._run_discard_hook(connection, run)
                await runs.finish(connection, run, self._worker_id, Status.FAILED, now, error=error)
                await self._on_failures(connection, [(run.id, run.task, error)])
                return error
            text = encode_output(output)
            await runs.finish(connection, run, self._worker_id, Status.COMPLETED, now, output=text)
        return None

    async def _complete_all(self, done: list[tuple[ClaimedRun, str]]) -> list[bool]:
        ended = await runs.complete(self._database.within(ENGINE_TIMEOUT), done, self._worker_id, self._clock.now())
        return [run.id in ended for run, _ in done]

    async def _unblock_next(self, keys: list[str]) -> list[None]:
        """Unblocks the next runs of these concurrency keys; after an outage the rescuer does it."""
        try:
            self._outbox.send(*await runs.unblock_next(self._database.within(ENGINE_TIMEOUT), keys))
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", error=str(error))
        return [None] * len(keys)

    async def fail(
        self, running: Running, error: RunError, next_step: Retry | Status, due_at: datetime, *, with_hooks: bool = True
    ) -> None:
        """Records a failed attempt: retries or ends the run, and runs the failure and discard hooks.

        Without hooks it writes nothing but the run and its attempt.
        """
        run, now, is_final = running.run, self._clock.now(), not isinstance(next_step, Retry)
        async with self._database.transaction() as connection:
            if isinstance(next_step, Retry):
                await runs.retry(connection, run, self._worker_id, due_at, error, now)
            else:
                await runs.finish(connection, run, self._worker_id, next_step, now, error=error)
            if with_hooks:
                if is_final:
                    await self._run_discard_hook(connection, run)
                await self._run_failure_hooks(connection, running, error.code or error.type)
                if is_final:
                    await self._on_failures(connection, [(run.id, run.task, error)])

    async def snooze(self, running: Running, due_at: datetime, waiting: Waiting | None) -> datetime:
        """Requeues the run until ``due_at`` or a wake-up, when the same attempt continues; returns when it is due."""
        database = self._database.within(ENGINE_TIMEOUT)
        return await runs.snooze(database, running.run, self._worker_id, due_at, self._clock.now(), waiting)

    async def release_interrupted(self, running: Running) -> None:
        """Records an attempt that was cancelled; a run that this worker still owns goes back to the queue."""
        run, code, now = running.run, running.stop_code or HANDED_BACK, self._clock.now()
        # A thread that still works ends with this process, and the run must not start elsewhere beside it.
        due_at = now + EXIT_TIMEOUT if running.context.threads.are_working else now
        try:
            try:
                await self._release(running, code, due_at, with_hooks=True)
            except (OwnershipLostError, DatabaseUnavailableError):
                raise
            except Exception:
                log.exception("failure_hook_failed")
                await self._release(running, code, due_at, with_hooks=False)
        except OwnershipLostError:  # its outcome was recorded just before it was cancelled
            return
        if code == HANDED_BACK:
            self._outbox.send(QueuedRun(run.id, run.task, due_at))
        metrics.RUNS.labels(run.task, code).inc()
        log.info("run_stopped", outcome=code)

    async def _release(self, running: Running, code: str, due_at: datetime, *, with_hooks: bool) -> None:
        async with self._database.transaction() as connection:
            if code != REVOKED:
                await runs.hand_back(connection, running.run, self._worker_id, self._clock.now(), due_at)
            if with_hooks:
                await self._run_failure_hooks(connection, running, code)

    async def _run_failure_hooks(self, connection: Connection, running: Running, code: str) -> None:
        for hook in running.context.failure_hooks:
            with _job_code(connection):
                await hook(connection, code)

    async def _run_discard_hook(self, connection: Connection, run: ClaimedRun) -> None:
        job = self._jobs.get(run.task)
        if job and job.hooks.on_discard:
            with _job_code(connection):
                await job.hooks.on_discard(connection, [run.id])

    def describe(self, error: BaseException) -> RunError:
        """The error as stored, with secrets masked."""
        original = error.__cause__ or error if isinstance(error, EffectError) else error
        try:
            return describe(original, self._redactor)
        except Exception:
            log.exception("error_not_described")
            return RunError(type(original).__name__[:100], "the error could not be described: see the worker's log")


def encode_output(output: Any) -> str:
    """The output as JSON text. Raises :class:`GiveUp` if it has more than :data:`MAX_OUTPUT` bytes."""
    text = encode(output)
    if len(text) > MAX_OUTPUT // 4 and (size := len(text.encode())) > MAX_OUTPUT:
        raise GiveUp("output_too_large", f"the output has {size} bytes; at most {MAX_OUTPUT} are stored")
    return text


@contextmanager
def _job_code(connection: Connection) -> Iterator[None]:
    """Tells errors of a job's own code, such as a missing file or a slow statement, from an outage of the database."""
    try:
        yield
    except (OSError, TimeoutError) as error:
        if connection.is_closed():
            raise
        raise EffectError(f"{type(error).__name__} in a job's code") from error
