"""The runner: one attempt at a run, from claim to recorded outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Job, Json, RetryLater, Snooze
from agenciaos_jobs.engine.model.run import ClaimedRun, MaxDurationExceeded, Retry, Status, after_failure
from agenciaos_jobs.engine.store import runs
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.engine.worker.recorder import Completer, Running
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.engine.worker.telemetry import log_and_count_outcome, log_context, span_attributes
from agenciaos_jobs.foundation import logs, metrics, tracing
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.runner")

_DATABASE_RETRY_INTERVAL = timedelta(seconds=1)
FINAL_POLL_TIMEOUT = timedelta(seconds=5)
"""The time that an attempt gets for a last call after it was snoozed until its deadline."""


@dataclass(frozen=True)
class _Failure:
    cause: Exception
    next_step: Retry | Status


class Runner:
    """Executes claimed runs. Whatever a job does, the outcome of the attempt is recorded in the run's row."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        resources: Mapping[type, Any],
        worker_id: str,
        intake: Intake,
        completer: Completer,
        run_log: RunLog,
    ) -> None:
        self._database, self._clock, self._jobs, self._resources = database, clock, jobs, resources
        self._worker_id, self._intake, self._completer, self._run_log = worker_id, intake, completer, run_log
        self.running: dict[str, Running] = {}
        self.recording = 0
        self.slot_freed: Callable[[], None] = lambda: None

    async def attempt(self, run_id: str) -> timedelta | None:
        """Claims the run and makes one attempt; returns the wait before the next attempt, if there is one."""
        try:
            claimed = await self.claim([run_id], poison_too=True)
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", run_id=run_id, error=str(error))
            return _DATABASE_RETRY_INTERVAL
        due_at = await self.execute(claimed[0]) if claimed else None
        return due_at - self._clock.now() if due_at else None

    async def claim(self, run_ids: list[str], *, poison_too: bool = False) -> list[ClaimedRun]:
        """Makes this worker the owner of those runs that are due and unclaimed."""
        now = self._clock.now()
        return await runs.claim(self._database, run_ids, self._worker_id, now, poison_too=poison_too)

    async def block_behind(self, run_ids: list[str]) -> list[str]:
        """Blocks the due runs queued behind those of these runs that are blocked; returns their ids."""
        return await runs.block_behind(self._database, run_ids, self._clock.now())

    async def poison_candidates(self, run_ids: list[str]) -> list[str]:
        """Those of the due runs that have crashed workers; each executes in a separate process."""
        return await runs.poison_candidates(self._database, run_ids, self._clock.now())

    async def execute(self, run: ClaimedRun) -> datetime | None:
        """Makes one attempt at a claimed run; returns when the next one is due, if there is one."""
        logs.bind_context(**log_context(run, tracing.resume(run.traceparent)))
        try:
            with tracing.span(f"run {run.task}", "consumer", partial(span_attributes, run)):
                return await self._execute(self._start(run))
        finally:
            self._completer.release_concurrency_slot(run)

    def _start(self, run: ClaimedRun) -> Running:
        task = asyncio.current_task()
        assert task is not None
        running = self.running[run.id] = Running(run, self._context(run), task)
        metrics.STARTS.labels(run.task).inc()
        metrics.WAIT_SECONDS.labels(run.task).observe((self._clock.now() - run.due_at).total_seconds())
        log.debug("run_started")
        return running

    async def _execute(self, running: Running) -> datetime | None:
        try:
            due_at = await self._run_pipeline(running)
        except asyncio.CancelledError:
            await asyncio.shield(self._completer.release_interrupted(running))
            raise
        except OwnershipLostError:
            log.warning("run_ownership_lost")
            return None
        else:
            running.context.failure_hooks.clear()  # the hooks refer to their holder: a cycle that would outlive the run
            return due_at
        finally:
            self.recording -= running.is_recording
            del self.running[running.run.id]

    async def _run_pipeline(self, running: Running) -> datetime | None:
        """The steps of an attempt: resolve, perform, classify, record. An effect that raises fails the attempt too."""
        try:
            job, payload = self._resolve(running.run)
            result = await self._perform(running, job, payload)
            await self._record_success(running, result)
            return None
        except OwnershipLostError:
            raise
        except Exception as error:  # noqa: BLE001 - a job may raise anything, and every run must end in its row
            return await self._record_classified(running, self._classify(running.run, error))

    def _context(self, run: ClaimedRun) -> RunContext[Any]:
        job = self._jobs.get(run.task)
        return RunContext(
            clock=self._clock,
            database=self._database,
            uses=self._resources[job.uses] if job and job.uses else None,
            run=run,
            log=self._run_log.logger(run),
            intake=self._intake,
        )

    def _resolve(self, run: ClaimedRun) -> tuple[Job[Any], BaseModel]:
        """The run's job and payload. Raises :class:`GiveUp` for an unknown task or an invalid payload."""
        job = self._jobs.get(run.task)
        if job is None:
            raise GiveUp("unknown_task", f"no job is named {run.task!r}")
        return job, _read(job, run.payload)

    async def _perform(self, running: Running, job: Job[Any], payload: BaseModel) -> Json | CommitWith:
        """Calls the job's code. Raises :class:`MaxDurationExceeded` after the run's ``max_duration``."""
        run = running.run
        try:
            async with asyncio.timeout(self._time_left(run).total_seconds()) as limit:
                result: Json | CommitWith = await job.run(running.context, payload)
                return result
        except TimeoutError as error:
            if limit.expired():
                raise _max_duration_exceeded(run) from error
            raise

    def _time_left(self, run: ClaimedRun) -> timedelta:
        """The rest of the attempt's ``max_duration``. One that was snoozed until its deadline gets a final poll."""
        left = _deadline(run) - self._clock.now()
        return left if left > timedelta() else FINAL_POLL_TIMEOUT

    def _classify(self, run: ClaimedRun, cause: Exception) -> Snooze | _Failure:
        """What an exception means: a snooze, unless the deadline has passed, or a failure and its next step."""
        if isinstance(cause, Snooze):
            if self._clock.now() < _deadline(run):
                return cause
            cause = _max_duration_exceeded(run)
        backoff = self._jobs[run.task].limits.backoff if run.task in self._jobs else Backoff()
        return _Failure(cause, after_failure(cause, run.attempt, run.max_attempts, backoff, self._clock.random()))

    def _begin_recording(self, running: Running) -> None:
        """The job's code has returned: releases the slot while the outcome is recorded."""
        if not running.is_recording:
            running.is_recording = True
            self.recording += 1
            self.slot_freed()

    async def _record_success(self, running: Running, result: Json | CommitWith) -> None:
        self._begin_recording(running)
        await self._run_log.flush()
        error = await self._when_available(lambda: self._completer.succeed(running, result))
        outcome = Status.FAILED if error else Status.COMPLETED
        log_and_count_outcome(running.run, self._clock.now(), outcome, error)

    async def _record_classified(self, running: Running, outcome: Snooze | _Failure) -> datetime | None:
        self._begin_recording(running)
        if isinstance(outcome, Snooze):
            return await self._record_snooze(running, outcome)
        return await self._record_failure(running, outcome.cause, outcome.next_step)

    async def _record_snooze(self, running: Running, snooze: Snooze) -> datetime:
        now = self._clock.now()
        due_at = min(now + snooze.after, _deadline(running.run))
        await self._run_log.flush()
        due: datetime = await self._when_available(lambda: self._completer.snooze(running, due_at))
        log.debug("run_standing_by", seconds=(due - now).total_seconds())
        return due

    async def _record_failure(self, running: Running, cause: Exception, next_step: Retry | Status) -> datetime | None:
        run, error = running.run, self._completer.describe(cause)
        tracing.mark_failed(error.code or error.type)
        await self._run_log.flush()
        due_at = self._clock.now() + (next_step.after if isinstance(next_step, Retry) else timedelta())
        await self._when_available(lambda: self._completer.fail(running, error, next_step, due_at))
        unforeseen = not isinstance(cause, GiveUp | RetryLater | MaxDurationExceeded)
        log_and_count_outcome(run, self._clock.now(), next_step, error, cause if unforeseen else None)
        return due_at if isinstance(next_step, Retry) else None

    async def _when_available(self, write: Callable[[], Awaitable[Any]]) -> Any:
        """Records the outcome, retrying through database outages: the work must not be lost."""
        while True:
            try:
                return await write()
            except DatabaseUnavailableError as error:
                log.warning("database_unavailable", error=str(error))
                await asyncio.sleep(_DATABASE_RETRY_INTERVAL.total_seconds())


def _deadline(run: ClaimedRun) -> datetime:
    return run.attempt_started_at + timedelta(seconds=run.max_duration)


def _max_duration_exceeded(run: ClaimedRun) -> MaxDurationExceeded:
    return MaxDurationExceeded(f"the attempt took longer than {run.max_duration} s")


def _read(job: Job[Any], payload: Json) -> BaseModel:
    """The stored payload as the job's model. It was validated at the endpoint, but the model may have changed since."""
    try:
        model: BaseModel = job.payload.model_validate(payload)
    except ValidationError as error:
        fields = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors(include_input=False)
        )
        raise GiveUp("invalid_payload", fields) from None
    return model
