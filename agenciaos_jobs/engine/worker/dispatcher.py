"""From the queue to the runner: takes what is due while there are free slots, and starts it."""

import asyncio
import sys
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from agenciaos_jobs.engine.intake import Intake, KeyConflictError
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import ClaimedRun, QueuedRun
from agenciaos_jobs.engine.outbox import RedisOutbox
from agenciaos_jobs.engine.queue import UNAVAILABLE, WAKE, Queue, decode
from agenciaos_jobs.engine.worker.runner import Runner
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.dispatcher")

POLL_INTERVAL = timedelta(seconds=1)
"""How long an idle worker relies on being woken."""

MAX_UNRECORDED_COMPLETIONS = 100
"""Runs whose code is through, and whose ends are being written, hold a slot only where they are more than this."""

_ISOLATED_AT_ONCE = 2


class Dispatcher:
    """Keeps up to ``slots`` runs going, woken by a message in Redis, by a slot that gets free, or by the clock."""

    def __init__(
        self,
        queue: Queue,
        runner: Runner,
        intake: Intake,
        sender: RedisOutbox,
        clock: Clock,
        jobs: Mapping[str, Job[Any]],
        slots: int,
    ) -> None:
        self._queue, self._runner, self._intake, self._sender = queue, runner, intake, sender
        self._clock, self._jobs, self.slots = clock, jobs, slots
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._stopping = False
        self._claiming_stopped = asyncio.Event()
        self._claiming_stopped.set()
        runner.slot_freed = self._news.set
        self._isolated: set[str] = set()
        self._isolation = asyncio.Semaphore(_ISOLATED_AT_ONCE)

    @property
    def busy(self) -> int:
        """Slots that hold a run. Where Postgres is too slow for the ends, those hold slots too."""
        return len(self._tasks) - min(self._runner.ending, MAX_UNRECORDED_COMPLETIONS)

    async def run(self) -> None:
        """Works until :meth:`drain`."""
        self._claiming_stopped.clear()
        listener = asyncio.create_task(self._listen())
        try:
            while not self._stopping:
                self._news.clear()
                await self._pause(await self._step())
        finally:
            self._claiming_stopped.set()
            while not listener.done():  # a cancellation can be lost inside a Redis call
                listener.cancel()
                await asyncio.wait([listener], timeout=0.5)

    async def drain(self, grace: float, hurry: asyncio.Event) -> None:
        """Takes no more, lets what runs end within ``grace`` seconds or until ``hurry``, and hands the rest back."""
        self.stop()
        hurried, ended = asyncio.create_task(hurry.wait()), asyncio.create_task(self._all_ended())
        await asyncio.wait([ended, hurried], timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        while not ended.done():
            for task in self._tasks:
                task.cancel()
            await asyncio.wait([ended], timeout=1)

    async def _all_ended(self) -> None:
        await self._claiming_stopped.wait()  # what is being claimed just now starts yet
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _step(self) -> float:
        """Starts what can be started; returns how many seconds there is nothing to do, unless something happens."""
        free = self.slots - self.busy
        if free <= 0:
            return POLL_INTERVAL.total_seconds()
        try:
            now = self._clock.now()
            taken = await self._queue.dequeue(free, now)
            run_ids = [run_id for member, body in taken.messages if (run_id := await self._run_of(member, body))]
            if run_ids:
                await self._claim(run_ids)
        except (DatabaseUnavailableError, *UNAVAILABLE) as error:
            log.warning("dispatch_interrupted", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(POLL_INTERVAL.total_seconds())
            return 0
        except Exception:
            log.exception("dispatch_failed")
            await asyncio.sleep(POLL_INTERVAL.total_seconds())
            return 0
        if taken.messages:
            return 0
        until_due = taken.next_due_at - now if taken.next_due_at else POLL_INTERVAL
        return max(0.001, min(until_due, POLL_INTERVAL).total_seconds())

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            return
        wake = asyncio.get_running_loop().call_later(seconds, self._news.set)
        await self._news.wait()
        wake.cancel()

    async def _listen(self) -> None:
        """Sets the news whenever somebody has sent a run."""
        while True:
            channel = self._queue.redis.pubsub()
            try:
                await channel.subscribe(WAKE)
                self._news.set()
                while True:
                    # Sooner than the client's own timeout, which would cut the line of a worker that is idle.
                    if await channel.get_message(timeout=POLL_INTERVAL.total_seconds()):
                        self._news.set()
            except UNAVAILABLE:
                await asyncio.sleep(POLL_INTERVAL.total_seconds())
            finally:
                await channel.aclose()  # type: ignore[no-untyped-call]

    async def _run_of(self, member: str, body: bytes) -> str | None:
        """The run that a message is about. One that a stock arq producer sent with a payload becomes a run."""
        if member.startswith("run_"):
            return member
        try:
            message = decode(body)
            job, (payload,) = self._jobs[message["f"]], message["a"]
            await self._intake.trigger(new_run(job, payload, source="arq", idempotency_key=f"arq:{member}"))
        except DatabaseUnavailableError:
            await self._queue.requeue(member, body, self._clock.now())
            raise
        except (ValueError, KeyError, TypeError, ValidationError, KeyConflictError) as error:
            log.error("message_not_understood", member=member[:100], error=type(error).__name__)
        return None

    async def _claim(self, run_ids: list[str]) -> None:
        claimed = await self._runner.claim(run_ids)
        for run in claimed:
            self._start(self._execute(run))
        if len(claimed) < len(run_ids):
            rest = set(run_ids) - {run.id for run in claimed} - self._isolated
            await self._queue.remove(await self._runner.block_behind(list(rest)))
            for run_id in await self._runner.poison_candidates(list(rest)):
                self._isolated.add(run_id)
                self._start(self._isolate(run_id))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._news.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("attempt_not_recorded", exc_info=error)

    async def _execute(self, claimed: ClaimedRun) -> None:
        due_at = await self._runner.execute(claimed)
        if due_at is not None:
            self._sender.send(QueuedRun(claimed.id, claimed.task, due_at))

    async def _isolate(self, run_id: str) -> None:
        """Lets a process of its own claim and run what may take its process down."""
        try:
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
        finally:
            self._isolated.discard(run_id)

    def stop(self) -> None:
        """Takes no more."""
        self._stopping = True
        self._news.set()
