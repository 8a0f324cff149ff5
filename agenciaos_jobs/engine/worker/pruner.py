"""The pruner: keeps runs in their months' partitions, and drops or compacts expired months once a day on one worker.

Payment events, monthly reports and the costs of AI generations are kept forever.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from agenciaos_jobs.engine.model.retention_policy import Fate, MonthOfRuns, Retention
from agenciaos_jobs.engine.store import retention
from agenciaos_jobs.engine.store.retention import TableBusyError
from agenciaos_jobs.foundation import migrate
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError

log = structlog.get_logger("agenciaos_jobs.pruner")

INTERVAL = timedelta(minutes=10)
_PRUNING = timedelta(days=1)
_FORGETTING = timedelta(hours=1)
_MOVING = timedelta(hours=1)


class Pruner:
    """Enforces retention. Separate from the rescuer, because reading old months takes long."""

    def __init__(self, database: Database, clock: Clock, rules: Retention) -> None:
        self._database, self._clock, self._rules = database, clock, rules

    async def run_once(self) -> None:
        """Runs the maintenance that is due, unless another worker has claimed it."""
        now = self._clock.now()
        try:
            if await retention.try_claim_maintenance(self._database, "move", now, _MOVING):
                await self.move_strays()
            if await retention.try_claim_maintenance(self._database, "forget", now, _FORGETTING):
                await self.forget()
            if await retention.try_claim_maintenance(self._database, "prune", now, _PRUNING):
                await self.prune()
        except DatabaseUnavailableError as error:
            log.warning("care_interrupted", error=type(error).__name__)

    async def move_strays(self) -> None:
        """Moves rows that no month's partition took, as after months without a worker, into their months."""
        async with self._database.connection() as connection:
            for moved in await migrate.move_strays(connection):
                log.info("rows_moved_to_month", table=moved.table, month=moved.month, rows=moved.rows)

    async def months(self) -> list[MonthOfRuns]:
        """The months that may hold expired runs."""
        return await retention.months(self._database, self._rules.cutoffs(self._clock.now()))

    async def prune(self) -> list[MonthOfRuns]:
        """Drops or compacts expired months; returns them as they were. A month in use is skipped until the next day."""
        cutoffs, pruned = self._rules.cutoffs(self._clock.now()), []
        for month in await self.months():
            if month.fate is not Fate.KEPT and await self._prune(month, cutoffs):
                log.info("month_pruned", month=month.month, fate=month.fate, runs=month.expired, bytes=month.bytes)
                pruned.append(month)
        return pruned

    async def _prune(self, month: MonthOfRuns, cutoffs: tuple[datetime, datetime]) -> bool:
        chore = retention.chore_of(month.month)
        if not await retention.try_claim_maintenance(self._database, chore, self._clock.now(), retention.MONTH_CLAIM):
            return False
        try:
            if month.fate is Fate.DROPPED:
                await retention.drop(self._database, month.month)
            else:
                await retention.compact(self._database, month.month, cutoffs)
        except TableBusyError:
            log.warning("month_not_pruned", month=month.month)
            return False
        finally:
            await retention.release_maintenance(self._database, chore)
        return True

    async def forget(self) -> None:
        """Deletes expired idempotency keys, and the texts of generations whose runs have expired."""
        now = self._clock.now()
        await _until_none_left(lambda: retention.drop_expired_keys(self._database, now))
        completed_before, _ = self._rules.cutoffs(now)
        await _until_none_left(lambda: retention.forget_contents(self._database, completed_before))


async def _until_none_left(delete_some: Callable[[], Awaitable[int]]) -> None:
    while await delete_some():
        pass
