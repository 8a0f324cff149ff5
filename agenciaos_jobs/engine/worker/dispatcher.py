"""The dispatcher: dequeues due runs while there are free slots, claims them and starts their attempts."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import ValidationError

from agenciaos_jobs.engine.intake import Intake, KeyConflictError
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import ClaimedRun, QueuedRun
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.queue import UNAVAILABLE, Queue, decode
from agenciaos_jobs.engine.worker.runner import Runner
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.dispatcher")

POLL_INTERVAL = timedelta(seconds=5)
"""The longest an idle worker waits for a wake-up message before it polls the queue."""

_PAUSE_AFTER_ERROR = 1.0
_MAX_ISOLATED = 2

MAX_UNRECORDED_COMPLETIONS = 100
"""Runs whose code has returned release their slot before the outcome is recorded, up to this many."""


class Dispatcher:
    """Keeps up to ``slots`` runs executing. It wakes on a Redis message, on a freed slot, or when a run is due.

    ``producers`` takes the messages of stock arq producers; ``None`` refuses them.
    """

    def __init__(
        self,
        queue: Queue,
        runner: Runner,
        producers: Intake | None,
        outbox: RedisOutbox,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        slots: int,
        worker_id: str,
    ) -> None:
        self._worker_id, self._handed_over = worker_id, list[str]()
        self._queue, self._runner, self._producers, self._outbox = queue, runner, producers, outbox
        self._clock, self._jobs, self.slots = clock, jobs, slots
        self._tasks: set[asyncio.Task[None]] = set()
        self._wakeup = asyncio.Event()
        self._is_draining, self._stopping, self._stopped = False, False, asyncio.Event()
        self._claiming_stopped = asyncio.Event()
        self._claiming_stopped.set()
        runner.slot_freed = self._wakeup.set
        self.before_interruption: Callable[[], None] = lambda: None
        self._isolated: dict[str, asyncio.Task[None]] = {}
        self._isolation = asyncio.Semaphore(_MAX_ISOLATED)

    @property
    def busy(self) -> int:
        """Slots in use, including those of unrecorded outcomes beyond :data:`MAX_UNRECORDED_COMPLETIONS`."""
        return len(self._tasks) - min(self._runner.recording, MAX_UNRECORDED_COMPLETIONS)

    async def run(self) -> None:
        """Dispatches until :meth:`stop` or :meth:`drain`."""
        self._claiming_stopped.clear()
        listener = asyncio.create_task(self._queue.listen(self._worker_id, self._wake))
        try:
            while not self._stopping:
                self._wakeup.clear()
                await self._pause(await self._step())
            await self._refuse_handovers()
        finally:
            self._claiming_stopped.set()
            while not listener.done():  # a Redis call can swallow a cancellation
                listener.cancel()
                await asyncio.wait([listener], timeout=0.5)

    async def _refuse_handovers(self) -> None:
        """Starts what was handed over before this worker is no longer registered as idle."""
        try:
            await self._queue.leave_idle(self._worker_id)
            if self._handed_over:
                await self._claim_handed_over()
        except (DatabaseUnavailableError, *UNAVAILABLE) as error:  # the rescuer sends those runs again
            log.warning("dispatch_interrupted", error=f"{type(error).__name__}: {error}")

    async def drain(self, grace: float, hurry: asyncio.Event) -> None:
        """Stops dispatching, and hands back the attempts still under way after ``grace`` seconds or at ``hurry``."""
        self.stop()
        hurried, ended = asyncio.create_task(hurry.wait()), asyncio.create_task(self._all_finished())
        await asyncio.wait([ended, hurried], timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not ended.done():
            self.before_interruption()
        while not ended.done():
            self._runner.hand_back_all()
            for task in self._isolated.values():
                task.cancel()
            await asyncio.wait([ended], timeout=1)

    async def _all_finished(self) -> None:
        await self._claiming_stopped.wait()  # runs being claimed right now still start
        while tasks := {*self._tasks, *self._isolated.values()}:
            await asyncio.wait(tasks)

    async def _step(self) -> float:
        """Starts the runs that are due; returns the seconds to wait for the next step unless woken before."""
        if self._is_draining:
            await self._refuse_handovers()
            return POLL_INTERVAL.total_seconds()
        free = self.slots - self.busy
        if free <= 0:
            return POLL_INTERVAL.total_seconds()
        try:
            if self._handed_over:
                await self._claim_handed_over()
                return 0
            now = self._clock.now()
            dequeued = await self._queue.dequeue(free, now, self._worker_id)
            run_ids = [run_id for member, body in dequeued.messages if (run_id := await self._run_id_of(member, body))]
            if run_ids:
                await self._claim(run_ids)
        except (DatabaseUnavailableError, *UNAVAILABLE) as error:
            log.warning("dispatch_interrupted", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(_PAUSE_AFTER_ERROR)
            return 0
        except Exception:
            log.exception("dispatch_failed")
            await asyncio.sleep(_PAUSE_AFTER_ERROR)
            return 0
        if dequeued.messages:
            return 0
        until_due = dequeued.next_due_at - now if dequeued.next_due_at else POLL_INTERVAL
        return max(0.001, min(until_due, POLL_INTERVAL).total_seconds())

    async def _claim_handed_over(self) -> None:
        """Claims up to the free slots. What is left waits for a slot, until the rescuer sends it to another worker."""
        free = max(0, self.slots - self.busy)
        run_ids, self._handed_over = self._handed_over[:free], self._handed_over[free:]
        await self._claim(run_ids)

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            return
        wake = asyncio.get_running_loop().call_later(seconds, self._wakeup.set)
        await self._wakeup.wait()
        wake.cancel()

    def _wake(self, run_id: str) -> None:
        """Called when there may be something to dequeue, or when a run is handed over."""
        if run_id:
            self._handed_over.append(run_id)
        self._wakeup.set()

    async def _run_id_of(self, member: str, body: bytes) -> str | None:
        """The run id in our own messages. A stock arq producer's message has a payload and triggers a run instead.

        That is a trigger without a key, by whoever can write to Redis, so only an operator's setting allows it.
        """
        if member.startswith("run_"):
            return member
        if self._producers is None:
            log.error("message_refused", member=member[:100], setting="ARQ_PRODUCERS")
            return None
        try:
            message = decode(body)
            job, (payload,) = self._jobs[message["f"]], message["a"]
            await self._producers.trigger(new_run(job, payload, source="arq", idempotency_key=f"arq:{member}"))
        except DatabaseUnavailableError:
            await self._queue.requeue(member, body, self._clock.now())
            raise
        except (ValueError, KeyError, TypeError, ValidationError, KeyConflictError) as error:
            log.error("message_not_understood", member=member[:100], error=type(error).__name__)
        return None

    async def _claim(self, run_ids: list[str]) -> None:
        claimed = await self._runner.claim(run_ids)
        for run in claimed:
            task = asyncio.create_task(self._execute(run))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        if len(claimed) < len(run_ids):
            rest = set(run_ids) - {run.id for run in claimed} - self._isolated.keys()
            rest -= set(await self._runner.park_paused(list(rest)))
            await self._queue.remove(await self._runner.block_behind(list(rest)))
            for run_id in await self._runner.poison_candidates(list(rest)):
                self._isolated[run_id] = isolated = asyncio.create_task(self._isolate(run_id))
                isolated.add_done_callback(partial(self._isolation_ended, run_id))

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._wakeup.set()
        self._log_error(task)

    def _isolation_ended(self, run_id: str, task: "asyncio.Task[None]") -> None:
        del self._isolated[run_id]
        self._log_error(task)

    def _log_error(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("attempt_not_recorded", exc_info=error)

    async def _execute(self, claimed: ClaimedRun) -> None:
        try:
            due_at = await self._runner.execute(claimed)
            if due_at is not None:
                self._outbox.send(QueuedRun(claimed.id, claimed.task, due_at))
        finally:
            if self._runner.threads.are_working:
                await self._threads_ended(claimed.id)

    async def _threads_ended(self, run_id: str) -> None:
        """Keeps the slot while a thread goes on after its attempt, unless the worker stops."""
        waits = [asyncio.create_task(self._runner.threads.ended(run_id)), asyncio.create_task(self._stopped.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _isolate(self, run_id: str) -> None:
        """Runs a possible poison message, without a slot, in a separate worker process, which claims it itself."""
        async with self._isolation:
            log.warning("run_isolated", run_id=run_id)
            command = [sys.executable, "-m", "agenciaos_jobs", "worker", "--run", run_id]
            process = await asyncio.create_subprocess_exec(*command)
            try:
                await process.wait()
            finally:
                if process.returncode is None:
                    process.terminate()
                    await process.wait()

    def set_draining(self, is_draining: bool) -> None:
        """Starts no further run while an operator drains the worker."""
        self._is_draining = is_draining
        self._wakeup.set()

    def stop(self) -> None:
        """Stops dispatching; attempts under way continue."""
        self._stopping = True
        self._stopped.set()
        self._wakeup.set()
