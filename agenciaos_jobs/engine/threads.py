"""The threads that jobs work in: two pools, and what an attempt's threads may use of its context until it ends."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

EXIT_TIMEOUT = timedelta(seconds=1.5)
"""How long a process may take to end once it has interrupted attempts whose threads still work.

Their runs are due no sooner, so none starts elsewhere beside its thread.
"""

_ATTEMPT: ContextVar["AttemptThreads | None"] = ContextVar("attempt", default=None)


def is_in_attempt() -> bool:
    """Whether the present code belongs to an attempt's job."""
    return _ATTEMPT.get() is not None


class JobThreads:
    """The calls that attempts have under way in threads, and the pool of blocking jobs: one thread for each slot."""

    def __init__(self, slots: int) -> None:
        self._pool = _Pool(slots, thread_name_prefix="job")
        self._working: dict[Future[Any], str] = {}

    def become_default(self) -> None:
        """Lets the running event loop start the threads of ``asyncio.to_thread`` here, so that they are known."""
        asyncio.get_running_loop().set_default_executor(_Pool())

    def attempt(self, run_id: str) -> "AttemptThreads":
        """The threads of a new attempt, which has none yet."""
        return AttemptThreads(run_id, self._pool, self._working)

    @property
    def are_working(self) -> bool:
        """Whether a thread still works for any attempt, even for one that has ended."""
        return bool(self._working)

    async def ended(self, run_id: str) -> None:
        """Waits until no thread works for this run."""
        await _ended(_of(self._working, run_id))


class AttemptThreads:
    """The threads of one attempt. A thread cannot be stopped; after the attempt it is refused the context instead.

    As a context manager it encloses the attempt's code. An attempt that fails waits for its threads, so that the next
    one never works beside them; one that is cancelled or runs out of time does not.
    """

    def __init__(self, run_id: str, pool: "_Pool", working: dict[Future[Any], str]) -> None:
        self._run_id, self._pool, self._working = run_id, pool, working
        self._loop, self._loop_thread = asyncio.get_running_loop(), threading.get_ident()
        self._lock = threading.Lock()
        self._is_closed = False
        self._calls: set[Future[Any]] = set()

    async def __aenter__(self) -> None:
        _ATTEMPT.set(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        _ATTEMPT.set(None)
        if kind is None:
            return
        try:
            if (task := asyncio.current_task()) and not task.cancelling():
                await _ended(_of(self._working, self._run_id))
        finally:
            self.close()

    @property
    def are_working(self) -> bool:
        """Whether a thread still works for this run."""
        return bool(_of(self._working, self._run_id))

    def track(self, future: Future[Any]) -> None:
        """Counts a call as under way until it ends."""
        self._working[future] = self._run_id
        future.add_done_callback(lambda done: self._working.pop(done, None))

    async def run(self, function: Callable[..., T], *values: Any) -> T:
        """Calls the function in a thread of the pool of blocking jobs."""
        call = partial(copy_context().run, _call, function, *values)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the worker's event loop for a thread; returns its result."""
        if threading.get_ident() == self._loop_thread:
            work.close()
            raise RuntimeError("context.call is for threads; on the event loop, await the coroutine")
        with self._lock:
            if self._is_closed:
                work.close()
            self.check()
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise asyncio.CancelledError("the attempt has ended") from None

    def check(self) -> None:
        """Raises ``CancelledError`` in a thread of an attempt that has ended."""
        if self._is_closed and threading.get_ident() != self._loop_thread:
            raise asyncio.CancelledError("the attempt has ended")

    def close(self) -> None:
        """Refuses the context to the attempt's threads from now on, and cancels what they wait for."""
        with self._lock:
            self._is_closed = True
            calls = list(self._calls)
        for call in calls:
            call.cancel()


class _Pool(ThreadPoolExecutor):
    """A thread pool that knows for which attempt it works."""

    def submit(self, function: Callable[..., T], /, *values: Any, **options: Any) -> Future[T]:
        future = super().submit(function, *values, **options)
        if attempt := _ATTEMPT.get():
            attempt.track(future)
        return future


def _of(working: dict[Future[Any], str], run_id: str) -> list[Future[Any]]:
    return [future for future, owner in list(working.items()) if owner == run_id]


async def _ended(calls: list[Future[Any]]) -> None:
    await asyncio.gather(*map(asyncio.wrap_future, calls), return_exceptions=True)


def _call(function: Callable[..., T], *values: Any) -> T:
    """Calls a function. No future can hold ``StopIteration``, so it becomes the error that a coroutine makes of it."""
    try:
        return function(*values)
    except StopIteration as error:
        raise RuntimeError("the job raised StopIteration") from error
