"""Housekeeping: periodic maintenance that every worker may run; concurrent runs are harmless."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from agenciaos_jobs.engine.store import batches, debouncing, idempotency, run_hours, streams, wait_tokens, workers
from agenciaos_jobs.engine.store.search import index
from agenciaos_jobs.foundation import migrate
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database

log = structlog.get_logger("agenciaos_jobs.rescuer")

HOURLY = timedelta(hours=1)
BATCH_RETENTION = timedelta(days=100)


@dataclass(frozen=True)
class Chore:
    """``run(database, now)``, called every ``interval``."""

    interval: timedelta
    run: Callable[[Database, datetime], Awaitable[Any]]


async def _drop_old_batches(database: Database, now: datetime) -> None:
    await batches.drop_old(database, now - BATCH_RETENTION)


async def _ensure_partitions(database: Database, now: datetime) -> None:
    if await migrate.ensure_partitions(database, now) is None:
        log.warning("partitions_not_made")


ENGINE_CHORES = (
    Chore(HOURLY, idempotency.drop_expired_requests),
    Chore(HOURLY, _drop_old_batches),
    Chore(HOURLY, debouncing.drop_old),
    Chore(HOURLY, streams.drop_old),
    Chore(HOURLY, wait_tokens.drop_old),
    Chore(HOURLY, workers.delete_lost),
    Chore(HOURLY, _ensure_partitions),
    Chore(HOURLY, index.enlist_missed),
    Chore(timedelta(minutes=1), run_hours.count_closed_hours),
    Chore(timedelta(seconds=1), index.fill),
)


class Housekeeping:
    """Runs the engine's chores, and those that other packages add, when they are due."""

    def __init__(self, database: Database, clock: Clock, chores: Sequence[Chore] = ()) -> None:
        self._database, self._clock = database, clock
        self._done: dict[Chore, datetime | None] = dict.fromkeys((*ENGINE_CHORES, *chores))

    async def run_due(self) -> None:
        """Runs the due chores. Raises ``DatabaseUnavailableError``; chores that have not run yet stay due."""
        now = self._clock.now()
        for chore, done_at in self._done.items():
            # A time that lies ahead is of a wrong clock, which has been set back since.
            if done_at is None or not timedelta(0) <= now - done_at < chore.interval:
                await chore.run(self._database, now)
                self._done[chore] = now
