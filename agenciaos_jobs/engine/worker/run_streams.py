"""Streams: what jobs write while they run is stored within a moment, for readers who follow it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog

from agenciaos_jobs.engine.context import Stream
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.engine.store import streams
from agenciaos_jobs.engine.store.streams import NewChunk
from agenciaos_jobs.foundation import storable
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.run_streams")

DELAY = 0.1
"""Seconds for which chunks are collected before they are stored."""
MAX_CHUNKS = 10_000
"""How many chunks one attempt may write, and how many one worker buffers."""
MAX_CHUNK = 100_000
"""Bytes of one encoded chunk."""
_BATCH = 1000


class RunStreams:
    """The streams of the runs that one worker executes. Its buffer is empty unless a job has just written."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._chunks: list[NewChunk] = []
        self._dropped: Counter[str] = Counter()
        self._flush: asyncio.Task[None] | None = None
        self._storing = asyncio.Lock()

    def opener(self, run: ClaimedRun, check: Callable[[], None]) -> Callable[[str], Stream]:
        """What opens a stream of this run by its name. ``check`` may refuse a chunk by raising ``CancelledError``."""
        loop, count = asyncio.get_running_loop(), 0

        def open_stream(name: str) -> Stream:
            if not name or len(name) > 128 or "/" in name or "\0" in name:
                raise ValueError("a stream's name has 1 to 128 characters, without / and U+0000")

            def write(chunk: Any) -> None:
                nonlocal count
                check()
                encoded = storable.encode(chunk)
                if len(encoded.encode()) > MAX_CHUNK:
                    raise ValueError(f"a chunk of a stream has at most {MAX_CHUNK} bytes as JSON")
                count += 1
                if count > MAX_CHUNKS or len(self._chunks) >= MAX_CHUNKS:
                    self._dropped["run_limit" if count > MAX_CHUNKS else "buffer_full"] += 1
                    return
                self._chunks.append(NewChunk(run.id, name, encoded, self._clock.now()))
                if self._flush is None:
                    loop.call_soon_threadsafe(self._schedule)

            return Stream(name, write)

        return open_stream

    def _schedule(self) -> None:
        if self._flush is None:
            self._flush = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        await asyncio.sleep(DELAY)
        self._flush = None
        await self.flush()

    async def flush(self) -> None:
        """Stores the buffered chunks, after any flush under way. While Postgres is unavailable they stay buffered."""
        if not self._chunks and not self._dropped and not self._storing.locked():
            return
        async with self._storing:
            while batch := self._chunks[:_BATCH]:
                try:
                    await streams.insert(self._database, batch)
                except DatabaseUnavailableError:
                    self._schedule()
                    return
                except Exception as error:  # noqa: BLE001 - a stream must not decide what becomes of a run
                    log.error("stream_chunks_failed", error=type(error).__name__)
                    self._dropped["refused"] += len(batch)
                del self._chunks[: len(batch)]
        for reason in list(self._dropped):
            log.warning("stream_chunks_dropped", reason=reason, chunks=self._dropped.pop(reason))
