"""Following runs: who follows is woken when a run of theirs has changed, and reads what is new to them."""

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

_GATHERING = 0.05
"""Seconds in which changes gather: a burst of them wakes its followers once."""


@dataclass(frozen=True)
class OneRun:
    """Follows a run by its id."""

    run_id: str


@dataclass(frozen=True)
class Tagged:
    """Follows the runs that have all these tags and are no older than ``age``."""

    tags: tuple[str, ...]
    age: timedelta


@dataclass(frozen=True)
class OneBatch:
    """Follows the runs of a batch."""

    batch_id: str


Subject = OneRun | OneBatch | Tagged


class Live:
    """Wakes its followers by one watch for all of them, and joins their reads."""

    def __init__(self, database: Database, changes: ChangeFeed, clock: Clock) -> None:
        self._database, self._changes, self._clock = database, changes, clock
        self._followers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._watcher: asyncio.Task[None] | None = None
        self._is_over = False
        self._reads: GroupCommit[tuple[str, str | None], Reading] = GroupCommit(
            self._read_runs, passing=(DatabaseUnavailableError,)
        )
        self._looks: GroupCommit[tuple[Tagged, str], Reading] = GroupCommit(
            self._look, passing=(DatabaseUnavailableError,)
        )

    async def read(self, subject: Subject, mark: str | None) -> Reading:
        """What changed since ``mark``; without one everything."""
        if isinstance(subject, OneRun):
            return await self._reads.submit((subject.run_id, mark))
        if isinstance(subject, OneBatch):
            return await live.read_batch(self._database, subject.batch_id, mark)
        if mark is not None:
            return await self._looks.submit((subject, mark))
        return await live.newest_tagged(self._database, subject.tags, self._since(subject))

    async def news(self, subject: Subject, mark: str, patience: timedelta) -> Reading:
        """What changed since ``mark``, as soon as something has; nothing when ``patience`` ran out."""
        reading = Reading([], mark)
        async with self._following(subject) as resume_requested:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience.total_seconds()):
                    while not self._is_over:
                        resume_requested.clear()
                        reading = await self.read(subject, reading.mark)
                        if reading.runs or reading.is_from_the_future:
                            break
                        await resume_requested.wait()
        return reading

    async def _read_runs(self, asked: list[tuple[str, str | None]]) -> list[Reading]:
        return await live.read_runs(self._database, asked)

    async def _look(self, asked: list[tuple[Tagged, str]]) -> list[Reading]:
        """One look at the runs of each list of tags, however many follow it."""
        numbers: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, (subject, _) in enumerate(asked):
            numbers[subject.tags].append(number)
        readings: dict[int, Reading] = {}
        for tags, those in numbers.items():
            marks = [(self._since(asked[number][0]), asked[number][1]) for number in those]
            readings |= zip(those, await live.read_tagged(self._database, tags, marks), strict=True)
        return [readings[number] for number in range(len(asked))]

    def _since(self, subject: Tagged) -> datetime:
        return self._clock.now() - subject.age

    @asynccontextmanager
    async def _following(self, subject: Subject) -> AsyncIterator[asyncio.Event]:
        resume_requested, names = asyncio.Event(), _names(subject)
        for name in names:
            self._followers[name].add(resume_requested)
        if self._watcher is None:
            watching = asyncio.Event()
            self._watcher = asyncio.create_task(self._watch(watching))
            await watching.wait()
        try:
            yield resume_requested
        finally:
            for name in names:
                self._followers[name].discard(resume_requested)
                if not self._followers[name]:
                    del self._followers[name]
            if not self._followers and self._watcher:
                self._watcher.cancel()
                self._watcher = None

    async def _watch(self, watching: asyncio.Event) -> None:
        async with self._changes.watch() as watch:
            watching.set()
            async for run_ids in watch:
                self._wake(await self._touched(run_ids))
                await asyncio.sleep(_GATHERING)
        self._is_over = True
        self._wake(self._followers)

    async def _touched(self, run_ids: frozenset[str] | None) -> Iterable[str]:
        """The names that the changed runs answer to and that somebody follows."""
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
            for resume_requested in self._followers.get(name, ()):
                resume_requested.set()


def _names(subject: Subject) -> list[str]:
    if isinstance(subject, OneRun):
        return [f"run:{subject.run_id}"]
    if isinstance(subject, OneBatch):
        return [f"batch:{subject.batch_id}"]
    return [f"tag:{tag}" for tag in subject.tags]
