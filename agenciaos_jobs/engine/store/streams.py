"""The stored chunks of the streams that jobs write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from agenciaos_jobs.engine.store import watchers
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

LIFE = timedelta(days=1)
"""How long chunks are kept."""


class NewChunk(NamedTuple):
    """A chunk as a job wrote it: ``chunk`` is encoded JSON."""

    run_id: str
    stream: str
    chunk: str
    written_at: datetime


@dataclass(frozen=True)
class Chunk:
    """A stored chunk. ``id`` orders those of one stream."""

    id: int
    chunk: str
    written_at: datetime


async def insert(executor: Executor, chunks: Sequence[NewChunk]) -> None:
    """Stores chunks of any runs, in their order, and wakes the followers of these runs."""
    await executor.execute(QUERIES["insert"], *map(list, zip(*chunks, strict=True)), watchers.CHANNEL)


async def is_over(executor: Executor, run_id: str) -> bool | None:
    """Whether the run has ended, so that its streams grow no more; ``None`` for an unknown run."""
    over: bool | None = await executor.fetchval(QUERIES["is_over"], run_id)
    return over


async def after(executor: Executor, run_id: str, stream: str, chunk_id: int) -> list[Chunk]:
    """The next chunks of a stream after the one with this id, at most 500."""
    return [Chunk(**record) for record in await executor.fetch(QUERIES["after"], run_id, stream, chunk_id)]


async def number_at(executor: Executor, run_id: str, stream: str, index: int) -> int:
    """The id of the chunk at an index from 0; of the last chunk if there are fewer, and 0 if there is none."""
    return int(await executor.fetchval(QUERIES["number_at"], run_id, stream, index))


async def drop_old(executor: Executor, now: datetime) -> None:
    await executor.execute(QUERIES["drop_old"], now - LIFE)
