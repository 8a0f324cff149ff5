"""The runner: one attempt at a run, from claim to recorded outcome."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from agenciaos_jobs.engine.model.job import HANDED_BACK, GiveUp, Job, Json, Snooze
from agenciaos_jobs.engine.model.run import ClaimedRun, Status
from agenciaos_jobs.engine.store import queues, runs
from agenciaos_jobs.engine.store.runs import OwnershipLostError
from agenciaos_jobs.engine.worker.completer import Completer
from agenciaos_jobs.engine.worker.contexts import Contexts
from agenciaos_jobs.engine.worker.execution import perform
from agenciaos_jobs.engine.worker.outcome import Failure, classify, deadline_of, exceeded, within_limit
from agenciaos_jobs.engine.worker.recorder import DATABASE_RETRY_INTERVAL, Recorder
from agenciaos_jobs.engine.worker.running import Running
from agenciaos_jobs.engine.worker.telemetry import count_start, log_context, span_attributes
from agenciaos_jobs.foundation import logs, tracing
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import ENGINE_TIMEOUT, Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.runner")

ABANDON_AFTER = timedelta(seconds=10)
"""How long an attempt may go on after its ``max_duration`` before it is no longer waited for."""


class Runner:
    """Executes claimed runs. Whatever a job does, the outcome of the attempt is recorded in the run's row."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        worker_id: str,
        contexts: Contexts,
        completer: Completer,
        recorder: Recorder,
    ) -> None:
        self._database, self._clock, self._jobs, self._worker_id = database, clock, jobs, worker_id
        self._contexts, self._completer, self._recorder = contexts, completer, recorder
        self.threads = contexts.threads
        self.running: dict[tuple[str, int], Running] = {}
        self.recording = 0
        self.slot_freed: Callable[[], None] = lambda: None

    async def attempt(self, run_id: str) -> timedelta | None:
        """Claims the run and makes one attempt; returns the wait before the next attempt, if there is one."""
        try:
            claimed = await self.claim([run_id], poison_too=True)
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", run_id=run_id, error=str(error))
            return DATABASE_RETRY_INTERVAL
        due_at = await self._execute_hosted(claimed[0]) if claimed else None
        return due_at - self._clock.now() if due_at else None

    async def _execute_hosted(self, run: ClaimedRun) -> datetime | None:
        """Makes one attempt for a host, which stops it by cancelling this call."""
        task = asyncio.create_task(self.execute(run))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            for running in self.running.values():
                if running.task is task:
                    running.stop(HANDED_BACK)
            await asyncio.wait([task])
            raise

    async def claim(self, run_ids: list[str], *, poison_too: bool = False) -> list[ClaimedRun]:
        """Makes this worker the owner of those runs that are due and unclaimed."""
        now = self._clock.now()
        return await runs.claim(
            self._database.within(ENGINE_TIMEOUT), run_ids, self._worker_id, now, poison_too=poison_too
        )

    async def park_paused(self, run_ids: list[str]) -> list[str]:
        """Parks those of the due runs whose queue is paused; returns their ids."""
        return await queues.park_paused(self._database.within(ENGINE_TIMEOUT), run_ids, self._clock.now())

    async def block_behind(self, run_ids: list[str]) -> list[str]:
        """Blocks the due runs queued behind those of these runs that are blocked; returns their ids."""
        return await runs.block_behind(self._database.within(ENGINE_TIMEOUT), run_ids, self._clock.now())

    async def poison_candidates(self, run_ids: list[str]) -> list[str]:
        """Those of the due runs that have crashed workers; each executes in a separate process."""
        return await runs.poison_candidates(self._database.within(ENGINE_TIMEOUT), run_ids, self._clock.now())

    def hand_back_all(self) -> None:
        """Stops every attempt under way, and hands its run back to the queue."""
        for running in self.running.values():
            running.stop(HANDED_BACK)

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
        running = Running(run, self._contexts.new(run, self._jobs.get(run.task)), task)
        self.running[running.attempt] = running
        count_start(run, self._clock.now())
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
            running.context.threads.close()
            if self.running.get(running.attempt) is running:  # the same attempt may continue already
                del self.running[running.attempt]

    async def _run_pipeline(self, running: Running) -> datetime | None:
        """The steps of an attempt: resolve, perform, classify, record. An effect that raises fails the attempt too.

        Raises ``CancelledError`` only if this worker stopped the attempt. One that comes out of a job on its own is a
        failure like any other, and so is ``SystemExit``.
        """
        try:
            job, payload = self._resolve(running.run)
            result = await self._perform(running, job, payload)
            self._begin_recording(running)
            await self._recorder.succeed(running, result)
            return None
        except OwnershipLostError:
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and running.stop_code:
                raise
            while running.task.cancelling():  # a job that cancelled its own task
                running.task.uncancel()
            self._begin_recording(running)
            outcome = classify(running.run, self._jobs, self._clock, error)
            if isinstance(outcome, Snooze):
                return await self._recorder.snooze(running, outcome)
            return await self._recorder.fail(running, outcome)

    def _resolve(self, run: ClaimedRun) -> tuple[Job[Any], BaseModel]:
        """The run's job and payload. Raises :class:`GiveUp` for an unknown task or an invalid payload."""
        job = self._jobs.get(run.task)
        if job is None:
            raise GiveUp("unknown_task", f"no job is named {run.task!r}")
        return job, _read(job, run.payload)

    async def _perform(self, running: Running, job: Job[Any], payload: BaseModel) -> Any:
        """Calls the job's code. Raises :class:`MaxDurationExceeded` after the run's ``max_duration``."""
        with tracing.recording(self._contexts.run_log.span_recorder(running.run)):
            return await within_limit(running, perform(job, running.context, payload), self._clock.now())

    async def end_overdue(self) -> None:
        """Ends overdue attempts: those that ignored their cancellation. Their code is left to itself."""
        for running in list(self.running.values()):
            overdue = self._clock.now() - deadline_of(running.run)
            if overdue >= ABANDON_AFTER and not running.is_recording:
                await asyncio.create_task(self._abandon(running))

    async def _abandon(self, running: Running) -> None:
        logs.bind_context(**log_context(running.run, None))
        running.task.cancel()
        running.context.threads.close()
        self._begin_recording(running)
        log.error("attempt_abandoned")
        try:
            await self._recorder.fail(running, Failure(exceeded(running.run), Status.TIMED_OUT))
        except OwnershipLostError:
            log.warning("run_ownership_lost")

    def _begin_recording(self, running: Running) -> None:
        """The job's code has returned: releases the slot while the outcome is recorded."""
        if not running.is_recording:
            running.is_recording = True
            self.recording += 1
            self.slot_freed()


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
