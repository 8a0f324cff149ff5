"""Evaluates what alerts watch: queues, failure rates and workers."""

from collections.abc import Awaitable, Callable, Sequence

from agenciaos_jobs.alerts.alert import AlertEvent, AlertRules
from agenciaos_jobs.alerts.kinds import FAILURE_RATE, NO_WORKERS, QUEUE_AGE, WORKER_LOST
from agenciaos_jobs.alerts.store import alerts, conditions
from agenciaos_jobs.alerts.store.conditions import ActiveCondition
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.i18n.formatting import Formatter

Check = Callable[[Connection], Awaitable[Sequence[AlertEvent | ActiveCondition]]]
"""``async (connection)``: a wing's own check, which returns the events that it found and the conditions that hold."""


class Conditions:
    """Finds which conditions hold, and raises them. ``checks`` are those that wings add."""

    def __init__(self, database: Database, clock: Clock, rules: AlertRules, checks: Sequence[Check] = ()) -> None:
        self._database, self._clock, self._rules, self._checks = database, clock, rules, checks

    async def evaluate(self) -> None:
        """Raises what holds now, resolves what no longer does, and raises the events that were found."""
        async with self._database.transaction() as connection:
            await alerts.lock_out_notifier(connection)
            active = [*await self._late_queues(connection), *await self._failure_rates(connection)]
            active += await self._missing_workers(connection)
            events = await self._lost_workers(connection)
            for check in self._checks:
                found = await check(connection)
                active += [item for item in found if isinstance(item, ActiveCondition)]
                events += [item for item in found if isinstance(item, AlertEvent)]
            await conditions.set_active(connection, active, self._clock)
            await alerts.add(connection, events, self._clock)

    async def _late_queues(self, connection: Connection) -> list[ActiveCondition]:
        now, rule = self._clock.now(), self._rules[QUEUE_AGE]
        return [
            ActiveCondition(
                QUEUE_AGE,
                late.task,
                {"depth": late.depth, "seconds": round((now - late.oldest_due_at).total_seconds())},
            )
            for late in await conditions.late_queues(connection, now - rule.older_than)
        ]

    async def _failure_rates(self, connection: Connection) -> list[ActiveCondition]:
        rule = self._rules[FAILURE_RATE]
        now = self._clock.now()
        return [
            ActiveCondition(
                FAILURE_RATE,
                found.task,
                {
                    "failed": found.failed,
                    "ended": found.ended,
                    "percent": round(100 * found.failed / found.ended),
                    "window": Formatter("pt", now).rough(rule.window),
                },
            )
            for found in await conditions.failing(connection, now - rule.window, rule.threshold, sorted(rule.ignore))
            if found.failed >= rule.share * found.ended
        ]

    async def _missing_workers(self, connection: Connection) -> list[ActiveCondition]:
        """No worker counts only where a run or a schedule waits for one."""
        now, rule = self._clock.now(), self._rules[NO_WORKERS]
        if await workers.alive(connection, now):
            return []
        late = await conditions.late_queues(connection, now - rule.older_than)
        waiting = sum(item.depth for item in late) + await conditions.overdue(connection, now - rule.older_than)
        return [ActiveCondition(NO_WORKERS, "", {"waiting": waiting})] if waiting else []

    async def _lost_workers(self, connection: Connection) -> list[AlertEvent]:
        return [
            AlertEvent(WORKER_LOST, "", f"{worker.host}:{worker.pid}", {"seen": worker.seen_at.isoformat()})
            for worker in await conditions.lose_workers(connection, self._clock.now())
        ]
