"""What a run that has not started waits for."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.dashboard.store.queues import WorkerRun
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.store.wait_tokens import WaitToken
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

MAX_AHEAD = 10_000
"""Runs ahead of another one are counted up to this many."""

MAX_HOLDERS = 10


@dataclass(frozen=True)
class Facts:
    """All that may keep a run from starting.

    ``key_limit`` runs of its concurrency key execute at most, ``key_taken`` do, and ``key_ahead`` wait before it.
    ``ahead`` is how many runs of all queues wait before it, ``busy`` how many execute, in ``slots`` of all ``workers``
    whose leases hold, of which some are ``draining``. ``waits_for`` is a reason of the job's own, in two languages.
    """

    paused_at: datetime | None
    paused_by: str | None
    key_limit: int | None
    key_taken: int
    key_ahead: int
    ahead: int
    workers: int
    draining: int
    slots: int | None
    busy: int
    waits_for: Json | None
    waits_since: datetime | None


async def facts(executor: Executor, run_id: str, now: datetime) -> Facts | None:
    record = await executor.fetchrow(QUERIES["facts"], run_id, now, MAX_AHEAD)
    return Facts(**record) if record else None


async def key_holders(executor: Executor, key: str) -> list[WorkerRun]:
    """The oldest executing runs of a concurrency key."""
    return [WorkerRun(**record) for record in await executor.fetch(QUERIES["key_holders"], key, MAX_HOLDERS)]


async def tokens(executor: Executor, run_id: str, now: datetime) -> list[WaitToken]:
    """The tokens that a run waits for."""
    return [WaitToken(**record) for record in await executor.fetch(QUERIES["tokens"], run_id, now)]
