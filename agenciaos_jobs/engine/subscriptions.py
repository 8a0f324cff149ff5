"""Live subscriptions: wait until a followed run changes, then read the changes since a cursor."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from agenciaos_jobs.engine.change_feed import ChangeFeed
from agenciaos_jobs.engine.store import live
from agenciaos_jobs.engine.store.live import Reading
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.group_commit import GroupCommit

log = structlog.get_logger("agenciaos_jobs.live")

_DEBOUNCE = 0.05
"""Seconds over which changes are collected, so that a burst wakes each follower once."""


@dataclass(frozen=True)
class OneRun:
    """Follows a run by its id."""

    run_id: str


@dataclass(frozen=True)
class Tagged:
    """Follows the runs that have all these tags and were created within ``age``."""

    tags: tuple[str, ...]
    age: timedelta


@dataclass(frozen=True)
class OneBatch:
    """Follows the runs of a batch."""

    batch_id: str


Subject = OneRun | OneBatch | Tagged


class Live:
    """Wakes followers from one shared feed subscription, and batches their reads."""

    def __init__(self, database: Database, changes: ChangeFeed, clock: Clock) -> None:
        self._database, self._changes, self._clock = database, changes, clock
        self._followers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._watcher: asyncio.Task[None] | None = None
        self._is_closed = False
        self._reads: GroupCommit[tuple[str, str | None], Reading] = GroupCommit(
            self._read_runs, not_retried=(DatabaseUnavailableError,)
        )
        self._tagged_reads: GroupCommit[tuple[Tagged, str], Reading] = GroupCommit(
            self._read_tagged, not_retried=(DatabaseUnavailableError,)
        )

    async def read(self, subject: Subject, cursor: str | None) -> Reading:
        """The runs that changed since ``cursor``; all of them without one."""
        if isinstance(subject, OneRun):
            return await self._reads.submit((subject.run_id, cursor))
        if isinstance(subject, OneBatch):
            return await live.read_batch(self._database, subject.batch_id, cursor)
        if cursor is not None:
            return await self._tagged_reads.submit((subject, cursor))
        return await live.newest_tagged(self._database, subject.tags, self._since(subject))

    async def wait_for_changes(self, subject: Subject, cursor: str, max_wait: timedelta) -> Reading:
        """Waits for a change since ``cursor`` and reads it; the reading is empty after ``max_wait``."""
        reading = Reading([], cursor)
        async with self.following(subject) as changed:
            with suppress(TimeoutError):
                async with asyncio.timeout(max_wait.total_seconds()):
                    while not self._is_closed:
                        changed.clear()
                        reading = await self.read(subject, reading.cursor)
                        if reading.runs or reading.is_from_the_future:
                            break
                        await changed.wait()
        return reading

    async def _read_runs(self, requests: list[tuple[str, str | None]]) -> list[Reading]:
        return await live.read_runs(self._database, requests)

    async def _read_tagged(self, requests: list[tuple[Tagged, str]]) -> list[Reading]:
        """Reads the runs of each list of tags with one query, however many requests there are for it."""
        numbers: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, (subject, _) in enumerate(requests):
            numbers[subject.tags].append(number)
        readings: dict[int, Reading] = {}
        for tags, those in numbers.items():
            cursors = [(self._since(requests[number][0]), requests[number][1]) for number in those]
            readings |= zip(those, await live.read_tagged(self._database, tags, cursors), strict=True)
        return [readings[number] for number in range(len(requests))]

    def _since(self, subject: Tagged) -> datetime:
        return self._clock.now() - subject.age

    @asynccontextmanager
    async def following(self, subject: Subject) -> AsyncIterator[asyncio.Event]:
        """An event that is set by every change of the subject since this was entered, and when the server stops."""
        changed, names = asyncio.Event(), _names(subject)
        for name in names:
            self._followers[name].add(changed)
        if self._watcher is None:
            watching = asyncio.Event()
            self._watcher = asyncio.create_task(self._watch(watching))
            await watching.wait()
        try:
            yield changed
        finally:
            for name in names:
                self._followers[name].discard(changed)
                if not self._followers[name]:
                    del self._followers[name]
            if not self._followers and self._watcher:
                self._watcher.cancel()
                self._watcher = None

    async def _watch(self, watching: asyncio.Event) -> None:
        async with self._changes.subscribe() as subscription:
            watching.set()
            async for run_ids in subscription:
                self._wake(await self._touched(run_ids))
                await asyncio.sleep(_DEBOUNCE)
        self._is_closed = True
        self._wake(self._followers)

    async def _touched(self, run_ids: frozenset[str] | None) -> Iterable[str]:
        """The names (``run:…``, ``tag:…``, ``batch:…``) that have followers and that the changed runs match."""
        if run_ids is None:
            return list(self._followers)
        touched = {name for run_id in run_ids if (name := f"run:{run_id}") in self._followers}
        tags, batch_ids = self._followed("tag:"), self._followed("batch:")
        if tags or batch_ids:
            try:
                touched |= await live.touched(self._database, run_ids, tags, batch_ids)
            except DatabaseUnavailableError as error:
                log.warning("database_unavailable", error=str(error))
                return list(self._followers)
        return touched

    def _followed(self, kind: str) -> list[str]:
        return [name.removeprefix(kind) for name in self._followers if name.startswith(kind)]

    def _wake(self, names: Iterable[str]) -> None:
        for name in names:
            for changed in self._followers.get(name, ()):
                changed.set()


def _names(subject: Subject) -> list[str]:
    if isinstance(subject, OneRun):
        return [f"run:{subject.run_id}"]
    if isinstance(subject, OneBatch):
        return [f"batch:{subject.batch_id}"]
    return [f"tag:{tag}" for tag in subject.tags]
