"""One attempt at a run, from claim to record."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.intake import Intake
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Job, Json, RetryLater, Snooze
from agenciaos_jobs.engine.model.run import ClaimedRun, MaxDurationExceeded, Retry, RunError, Status, after_failure
from agenciaos_jobs.engine.store import runs
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.engine.worker.recorder import Recorder, Running
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.foundation import logs, metrics, tracing
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.runner")

_WAIT_FOR_DATABASE = timedelta(seconds=1)
FINAL_POLL_TIMEOUT = timedelta(seconds=5)


class Runner:
    """Runs what it can claim. Whatever a job does, its run's row tells how the attempt ended."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        resources: Mapping[type, Any],
        worker_id: str,
        intake: Intake,
        recorder: Recorder,
        run_log: RunLog,
    ) -> None:
        self._database, self._clock, self._jobs, self._resources = database, clock, jobs, resources
        self._worker_id, self._intake, self._recorder, self._run_log = worker_id, intake, recorder, run_log
        self.running: dict[str, Running] = {}
        self.ending = 0
        self.slot_freed: Callable[[], None] = lambda: None

    async def attempt(self, run_id: str) -> timedelta | None:
        """Claims the run and makes one attempt; returns the wait before the next one, if one is due."""
        try:
            claimed = await self.claim([run_id], poison_too=True)
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", run_id=run_id, error=str(error))
            return _WAIT_FOR_DATABASE
        due_at = await self.execute(claimed[0]) if claimed else None
        return due_at - self._clock.now() if due_at else None

    async def claim(self, run_ids: list[str], *, poison_too: bool = False) -> list[ClaimedRun]:
        """Makes this worker the owner of those runs that are due and nobody else's."""
        now = self._clock.now()
        return await runs.claim(self._database, run_ids, self._worker_id, now, poison_too=poison_too)

    async def block_behind(self, run_ids: list[str]) -> list[str]:
        """Has all wait that would only find no place, as some of these runs did; returns their ids."""
        return await runs.block_behind(self._database, run_ids, self._clock.now())

    async def poison_candidates(self, run_ids: list[str]) -> list[str]:
        """Those of the runs that wait and have taken workers down: they are run in processes of their own."""
        return await runs.poison_candidates(self._database, run_ids, self._clock.now())

    async def execute(self, run: ClaimedRun) -> datetime | None:
        """Makes an attempt at a claimed run; returns when the next one is due, if one is."""
        logs.bind_context(**_context(run, tracing.resume(run.traceparent)))
        try:
            with tracing.span(f"run {run.task}", "consumer", partial(_attributes, run)):
                return await self._carry_out(run)
        finally:
            self._recorder.free(run)

    async def _carry_out(self, run: ClaimedRun) -> datetime | None:
        task = asyncio.current_task()
        assert task is not None
        running = Running(run, self._context(run), task)
        self.running[run.id] = running
        metrics.STARTS.labels(run.task).inc()
        metrics.WAIT_SECONDS.labels(run.task).observe((self._clock.now() - run.due_at).total_seconds())
        log.debug("run_started")
        try:
            due_at = await self._perform(running)
        except asyncio.CancelledError:
            await asyncio.shield(self._recorder.release_interrupted(running))
            raise
        except OwnershipLostError:
            log.warning("run_ownership_lost")
            return None
        else:
            running.context.failure_hooks.clear()  # they refer to what holds them, and would outlive the run with it
            return due_at
        finally:
            self.ending -= running.is_ending
            del self.running[run.id]

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

    def _ends(self, running: Running) -> None:
        """The job's code is through: what is left is to write that down, which takes no slot."""
        if not running.is_ending:
            running.is_ending = True
            self.ending += 1
            self.slot_freed()

    async def _perform(self, running: Running) -> datetime | None:
        try:
            result = await self._call(running)
            await self._complete(running, result)
            return None
        except OwnershipLostError:
            raise
        except Snooze as pause:
            return await self._snooze(running, pause)
        except Exception as error:  # noqa: BLE001 - a job may raise anything, and every run must end in its row
            return await self._fail(running, error)

    async def _call(self, running: Running) -> Json | CommitWith:
        """The job's own code, within its longest duration."""
        run = running.run
        job = self._jobs.get(run.task)
        if job is None:
            raise GiveUp("unknown_task", f"no job is named {run.task!r}")
        payload = _read(job, run.payload)
        try:
            async with asyncio.timeout(self._time_left(run).total_seconds()) as limit:
                result: Json | CommitWith = await job.run(running.context, payload)
                return result
        except TimeoutError as error:
            if limit.expired():
                raise MaxDurationExceeded(f"the attempt took longer than {run.max_duration} s") from error
            raise

    def _time_left(self, run: ClaimedRun) -> timedelta:
        """What is left of the attempt's longest duration; one that stood by until it was over may look once more."""
        left = _deadline(run) - self._clock.now()
        return left if left > timedelta() else FINAL_POLL_TIMEOUT

    async def _snooze(self, running: Running, pause: Snooze) -> datetime | None:
        run, now = running.run, self._clock.now()
        if now >= _deadline(run):
            return await self._fail(running, MaxDurationExceeded(f"the attempt took longer than {run.max_duration} s"))
        self._ends(running)
        await self._run_log.flush()
        due_at = min(now + pause.after, _deadline(run))
        due: datetime = await self._record(lambda: self._recorder.snooze(running, due_at))
        log.debug("run_standing_by", seconds=(due - now).total_seconds())
        return due

    async def _complete(self, running: Running, result: Json | CommitWith) -> None:
        self._ends(running)
        await self._run_log.flush()
        error = await self._record(lambda: self._recorder.succeed(running, result))
        outcome = Status.FAILED if error else Status.COMPLETED
        self._count(running.run, outcome, error)

    async def _fail(self, running: Running, cause: Exception) -> datetime | None:
        self._ends(running)
        run, error = running.run, self._recorder.describe(cause)
        tracing.mark_failed(error.code or error.type)
        backoff = self._jobs[run.task].limits.backoff if run.task in self._jobs else Backoff()
        next_step = after_failure(cause, run.attempt, run.max_attempts, backoff, self._clock.random())
        await self._run_log.flush()
        due_at = self._clock.now() + (next_step.after if isinstance(next_step, Retry) else timedelta())
        await self._record(lambda: self._recorder.fail(running, error, next_step, due_at))
        unforeseen = not isinstance(cause, GiveUp | RetryLater | MaxDurationExceeded)
        self._count(run, next_step, error, cause if unforeseen else None)
        return due_at if isinstance(next_step, Retry) else None

    async def _record(self, write: Callable[[], Awaitable[Any]]) -> Any:
        """Writes the attempt's end. The work is done, so a database that is away is waited for."""
        while True:
            try:
                return await write()
            except DatabaseUnavailableError as error:
                log.warning("database_unavailable", error=str(error))
                await asyncio.sleep(_WAIT_FOR_DATABASE.total_seconds())

    def _count(
        self, run: ClaimedRun, outcome: Status | Retry, error: RunError | None, unforeseen: Exception | None = None
    ) -> None:
        now = self._clock.now()
        duration = (now - run.attempt_started_at).total_seconds()
        label = "retried" if isinstance(outcome, Retry) else outcome.lower()
        metrics.RUNS.labels(run.task, label).inc()
        metrics.RUN_SECONDS.labels(run.task).observe(duration)
        told: Json = {"duration": round(duration, 3)}
        if error is None:
            log.info("run_completed", **told)
            return
        told |= {"error_type": error.type, "error_code": error.code}
        if isinstance(outcome, Retry):
            log.warning("attempt_failed", **told, retry_in=round(outcome.after.total_seconds(), 3), exc_info=unforeseen)
        else:
            log.error("run_failed", **told, status=outcome, exc_info=unforeseen)


def _deadline(run: ClaimedRun) -> datetime:
    return run.attempt_started_at + timedelta(seconds=run.max_duration)


def _context(run: ClaimedRun, trace_id: str | None) -> Json:
    known = {"run_id": run.id, "task": run.task, "agency_id": run.agency_id, "attempt": run.attempt}
    if run.request_id:
        known["request_id"] = run.request_id
    if trace_id:
        known["trace_id"] = trace_id
    return known


def _attributes(run: ClaimedRun) -> Json:
    """OpenTelemetry's names for what it has names for (https://opentelemetry.io/docs/specs/semconv/messaging/)."""
    return {
        "messaging.system": "agenciaos",
        "messaging.operation.type": "process",
        "messaging.message.id": run.id,
        "agenciaos.task": run.task,
        "agenciaos.attempt": run.attempt,
        "agenciaos.agency_id": run.agency_id,
        "agenciaos.request_id": run.request_id,
    }


def _read(job: Job[Any], payload: Json) -> BaseModel:
    """The stored payload as the job's type; a door has checked it, but the type may have changed since."""
    try:
        model: BaseModel = job.payload.model_validate(payload)
    except ValidationError as error:
        fields = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors(include_input=False)
        )
        raise GiveUp("invalid_payload", fields) from None
    return model
