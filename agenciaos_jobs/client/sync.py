"""The client without ``await``, for programs without an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar, Unpack

from agenciaos_jobs.client.client import Client
from agenciaos_jobs.client.models import BatchHandle, BatchItem, Page, Run, RunHandle, Schedule, SchedulePage
from agenciaos_jobs.client.options import TriggerOptions
from agenciaos_jobs.client.runs import Runs
from agenciaos_jobs.client.schedules import Schedules

T = TypeVar("T")


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="agenciaos-jobs-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine. One that the caller stops waiting for, by Ctrl-C, is cancelled."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        async def following() -> T:
            return await anext(items)

        async def close() -> None:
            if closing := getattr(items, "aclose", None):
                await closing()

        try:
            while True:
                try:
                    yield self.run(following())
                except StopAsyncIteration:
                    return
        finally:
            self.run(close())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class SyncRuns:
    """Reads runs and acts on them: :class:`Runs`."""

    def __init__(self, loop: _Loop, runs: Runs) -> None:
        self._loop, self._runs = loop, runs

    def retrieve(self, run_id: str) -> Run:
        return self._loop.run(self._runs.retrieve(run_id))

    def list(self, **criteria: Any) -> Page:
        """Takes what :meth:`Runs.list` takes."""
        return self._loop.run(self._runs.list(**criteria))

    def cancel(self, run_id: str) -> RunHandle:
        return self._loop.run(self._runs.cancel(run_id))

    def replay(self, run_id: str, payload: Any = None, **options: Any) -> RunHandle:
        return self._loop.run(self._runs.replay(run_id, payload, **options))

    def reschedule(self, run_id: str, delay: timedelta | datetime | str) -> Run:
        return self._loop.run(self._runs.reschedule(run_id, delay))

    def wait(self, run_id: str, *, timeout: float | None = None) -> Run:
        return self._loop.run(self._runs.wait(run_id, timeout=timeout))

    def subscribe(self, run_id: str) -> Iterator[Run]:
        return self._loop.iterate(self._runs.subscribe(run_id))

    def subscribe_to_tags(self, *tags: str) -> Iterator[Run]:
        return self._loop.iterate(self._runs.subscribe_to_tags(*tags))

    def subscribe_to_batch(self, batch_id: str) -> Iterator[Run]:
        return self._loop.iterate(self._runs.subscribe_to_batch(batch_id))


class SyncSchedules:
    """Reads and changes schedules: :class:`Schedules`."""

    def __init__(self, loop: _Loop, schedules: Schedules) -> None:
        self._loop, self._schedules = loop, schedules

    def create(self, task: str, cron: str, *, deduplication_key: str, **rest: Any) -> Schedule:
        return self._loop.run(self._schedules.create(task, cron, deduplication_key=deduplication_key, **rest))

    def list(self, *, page: int = 1, per_page: int = 50) -> SchedulePage:
        return self._loop.run(self._schedules.list(page=page, per_page=per_page))

    def retrieve(self, schedule_id: str) -> Schedule:
        return self._loop.run(self._schedules.retrieve(schedule_id))

    def update(self, schedule_id: str, task: str, cron: str, **rest: Any) -> Schedule:
        return self._loop.run(self._schedules.update(schedule_id, task, cron, **rest))

    def delete(self, schedule_id: str) -> None:
        self._loop.run(self._schedules.delete(schedule_id))

    def activate(self, schedule_id: str) -> Schedule:
        return self._loop.run(self._schedules.activate(schedule_id))

    def deactivate(self, schedule_id: str) -> Schedule:
        return self._loop.run(self._schedules.deactivate(schedule_id))


class SyncClient:
    """:class:`Client` for programs without an event loop. It may be shared by threads."""

    def __init__(self, url: str, key: str, *, attempts: int = 3, timeout: float = 60) -> None:
        self._client, self._loop = Client(url, key, attempts=attempts, timeout=timeout), _Loop()
        self.runs = SyncRuns(self._loop, self._client.runs)
        self.schedules = SyncSchedules(self._loop, self._client.schedules)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections and ends the thread."""
        self._loop.run(self._client.close())
        self._loop.close()

    def trigger(self, task: str, payload: Any = None, **options: Unpack[TriggerOptions]) -> RunHandle:
        return self._loop.run(self._client.trigger(task, payload, **options))

    def trigger_and_wait(
        self, task: str, payload: Any = None, *, wait_timeout: float | None = None, **options: Unpack[TriggerOptions]
    ) -> Run:
        return self._loop.run(self._client.trigger_and_wait(task, payload, wait_timeout=wait_timeout, **options))

    def batch(self, items: Iterable[BatchItem], *, idempotency_key: str | None = None) -> BatchHandle:
        return self._loop.run(self._client.batch(items, idempotency_key=idempotency_key))

    def subscribe(self, run_id: str) -> Iterator[Run]:
        return self.runs.subscribe(run_id)

    def create_public_token(
        self, scopes: Sequence[str], *, life: timedelta = timedelta(hours=1), single_use: bool = False
    ) -> str:
        return self._loop.run(self._client.create_public_token(scopes, life=life, single_use=single_use))
