"""The watchdog: notices that a job blocks the event loop, and reports which one and where it stands.

It runs in the thread of the worker's lease (see lease.py), which goes on while the event loop does not.
"""

import asyncio
import atexit
import signal
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

import structlog

from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.worker.outcome import deadline_of
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.engine.worker.running import Running
from agenciaos_jobs.engine.worker.telemetry import log_context
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.database import Connection, Database, DatabaseUnavailableError

INTERVAL = timedelta(milliseconds=250)
LOG_AFTER = timedelta(seconds=1)
ALERT_AFTER = timedelta(seconds=5)
GRACE = timedelta(seconds=10)
"""How long the event loop may stay blocked after the time of every attempt is up, before it counts as dead."""

_MAX_FRAMES = 20
_YIELD_INTERVAL = 0.1
_TIMEOUT = 3.0


@dataclass(frozen=True)
class BlockedLoop:
    """A blocked event loop: for how long, by which job, and the main thread's stack.

    ``run_id`` is ``None`` if several runs of the job may be the one, ``task`` if no job's code is on the stack.
    """

    seconds: float
    task: str | None
    run_id: str | None
    stack: str


BlockedHook = Callable[[Connection, BlockedLoop], Awaitable[None]]
"""``async (connection, blocked)``: called once for a loop that is blocked for :data:`ALERT_AFTER`."""


class Watchdog:
    """Has the event loop answer a few times a second, and measures how long it does not."""

    def __init__(
        self,
        database: Database,
        jobs: Mapping[str, Job[Any]],
        running: Mapping[Any, Running],
        run_log: RunLog,
        on_blocked: BlockedHook,
    ) -> None:
        self._database, self._jobs, self._running = database, jobs, running
        self._run_log, self._on_blocked = run_log, on_blocked
        self._has_answered = True
        self._checked_at = 0.0
        self._blocked = timedelta()
        self._is_logged = self._is_alerted = False

    def watch(self) -> None:
        """Watches the running event loop and the present thread."""
        self._loop, self._thread_id = asyncio.get_running_loop(), threading.get_ident()

    def is_loop_dead(self, now: datetime) -> bool:
        """Whether the event loop has been blocked for longer than any attempt under way may take."""
        deadlines = [deadline_of(running.run) for running in list(self._running.values())]
        return self._blocked > GRACE and all(now > deadline + GRACE for deadline in deadlines)

    async def check(self) -> None:
        """Asks for an answer, or reports that there is none for too long."""
        now = asyncio.get_running_loop().time()
        passed, self._checked_at = timedelta(seconds=now - self._checked_at), now
        if self._has_answered:
            self._has_answered, self._blocked, self._is_logged, self._is_alerted = False, timedelta(), False, False
            self._loop.call_soon_threadsafe(self._answer)
            return
        # A pause of this thread too is no fault of the loop's: the process may have been frozen.
        self._blocked += min(passed, LOG_AFTER)
        if self._blocked >= LOG_AFTER and not self._is_logged:
            self._is_logged = True
            self._log()
        if self._blocked >= ALERT_AFTER and not self._is_alerted:
            await self._alert()

    def _answer(self) -> None:
        self._has_answered = True

    def _log(self) -> None:
        blocked, holder = self._inspect()
        log = structlog.get_logger("agenciaos_jobs.watchdog")
        logs.bind_context(run_id=blocked.run_id, task=blocked.task)
        if holder:
            log = self._run_log.logger(holder.run)
            logs.bind_context(**log_context(holder.run, None))
        log.warning("event_loop_blocked", seconds=blocked.seconds, stack=blocked.stack)

    async def _alert(self) -> None:
        blocked, _ = self._inspect()
        try:
            async with self._database.own_connection(_TIMEOUT) as connection:
                await self._on_blocked(connection, blocked)
            self._is_alerted = True
        except DatabaseUnavailableError as error:
            log = structlog.get_logger("agenciaos_jobs.watchdog")
            log.warning("heartbeat_missed", error=type(error).__name__)

    def _inspect(self) -> tuple[BlockedLoop, Running | None]:
        """What blocks the loop, and the attempt, if it is clear which."""
        frames = _frames(self._thread_id)
        suspects = self._suspects(frames)
        holder = suspects[0] if len(suspects) == 1 else None
        tasks = sorted({running.run.task for running in suspects})
        blocked = BlockedLoop(
            seconds=round(self._blocked.total_seconds(), 1),
            task=", ".join(tasks) or None,
            run_id=holder.run.id if holder else None,
            stack="".join(traceback.format_list(traceback.StackSummary.extract(frames))),
        )
        return blocked, holder

    def _suspects(self, frames: list[tuple[FrameType, int]]) -> list[Running]:
        """The attempt whose task is on the loop, or those of a job whose module is on the stack.

        The second finds what a job has started in tasks and callbacks of its own.
        """
        present = asyncio.current_task(self._loop)
        running = list(self._running.values())
        if found := [attempt for attempt in running if attempt.task is present]:
            return found
        modules = {frame.f_globals.get("__name__") for frame, _ in frames}
        return [attempt for attempt in running if self._module(attempt.run.task) in modules]

    def _module(self, task: str) -> str:
        return getattr(self._jobs[task].run, "__module__", "") if task in self._jobs else ""


def _frames(thread_id: int) -> list[tuple[FrameType, int]]:
    """A thread's frames, the outermost first, each with its line."""
    frame = sys._current_frames().get(thread_id)
    found = [item for item in traceback.walk_stack(frame) if item[0].f_globals.get("__name__") != __name__]
    return found[:_MAX_FRAMES][::-1]


def yield_gil_regularly() -> None:
    """Lets other threads go on during long calls into C that keep the GIL but check for signals, such as ``re``'s.

    A handler written in Python gives up the GIL to a thread that waits for it. The timer counts CPU time, so an idle
    process is not woken. Only for the main thread of a process of our own.
    """
    signal.signal(signal.SIGVTALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_VIRTUAL, _YIELD_INTERVAL, _YIELD_INTERVAL)
    atexit.register(signal.setitimer, signal.ITIMER_VIRTUAL, 0)  # the interpreter gives up its handlers before it ends
