"""Recording of failed runs, with their error groups, and of other trouble that the engine reports, as alerts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from agenciaos_jobs.alerts.alert import DELIVERY, AlertEvent, AlertRules
from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.alerts.kinds import (
    ERROR_BACK,
    ERROR_NEW,
    EVENT_LOOP_BLOCKED,
    RUN_FAILED,
    SCHEDULE_EARLY,
    SCHEDULE_MISSED,
)
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.model.fingerprint import ErrorGroupKey, error_group_of
from agenciaos_jobs.engine.model.run import RunError
from agenciaos_jobs.engine.store import errors
from agenciaos_jobs.engine.store.errors import RecordedGroup
from agenciaos_jobs.engine.store.schedules import StoredSchedule
from agenciaos_jobs.engine.worker.watchdog import BlockedLoop
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.foundation.storable import storable

_MAX_STACK = 2_000

Failed = tuple[str, str, RunError]
"""A run's id, its task, and why it failed."""


class LateSlotAlert:
    """Raises an alert for a schedule's slot that fired later than its rule allows."""

    def __init__(self, clock: Clock, rules: AlertRules) -> None:
        self._clock, self._rule = clock, rules[SCHEDULE_MISSED]

    async def record(self, connection: Connection, schedule: StoredSchedule, slot: datetime) -> None:
        """Called in the transaction that makes the slot's run."""
        late = self._clock.now() - slot
        if late > self._rule.older_than:
            details = {"slot": slot.isoformat(), "seconds": round(late.total_seconds())}
            await alerts.add(
                connection, [AlertEvent(SCHEDULE_MISSED, schedule.id, schedule.task, details)], self._clock
            )


class EarlySlotAlert:
    """Raises an alert for schedules that fired before their time, while the clock was ahead."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def record(self, connection: Connection, schedules: Sequence[StoredSchedule]) -> None:
        """Called in the transaction that corrects the schedules; they are as they were before."""
        await alerts.add(connection, [self._event(schedule) for schedule in schedules], self._clock)

    def _event(self, schedule: StoredSchedule) -> AlertEvent:
        early = schedule.last_slot - self._clock.now()
        details = {
            "slot": schedule.last_slot.isoformat(),
            "seconds": round(early.total_seconds()),
            "fired": schedule.fired_slot == schedule.last_slot,
        }
        return AlertEvent(SCHEDULE_EARLY, schedule.id, schedule.task, details)


class BlockedLoopAlert:
    """Raises an alert for a job that blocks the event loop."""

    def __init__(self, clock: Clock, redactor: Redactor) -> None:
        self._clock, self._redactor = clock, redactor

    async def record(self, connection: Connection, blocked: BlockedLoop) -> None:
        """Called in the thread that watches the loop, while the loop is still blocked."""
        stack = storable(self._redactor.text(blocked.stack))
        details = {"task": blocked.task, "seconds": blocked.seconds, "stack": stack[-_MAX_STACK:]}
        event = AlertEvent(EVENT_LOOP_BLOCKED, blocked.task or "", blocked.run_id, details)
        await alerts.add(connection, [event], self._clock)


class FailureRecorder:
    """Records failures in the transaction that ends the runs, as its last statements."""

    def __init__(self, clock: Clock, rules: AlertRules) -> None:
        self._clock, self._rules = clock, rules

    async def record(self, connection: Connection, ended: Sequence[Failed]) -> None:
        """Counts the runs into their error groups, and raises what the rules do not ignore."""
        if not ended:
            return
        failed = [(run_id, error_group_of(task, error)) for run_id, task, error in ended]
        failures = await errors.within_limit(connection, failed)
        recorded = await errors.record(connection, failures, self._clock.now())
        events = [event for run_id, item in failures for event in self._failure(run_id, item)]
        events += [event for group in recorded for event in self._novelty(group)]
        await alerts.add(connection, events, self._clock)

    def _failure(self, run_id: str, item: ErrorGroupKey) -> Iterator[AlertEvent]:
        if self._counts(RUN_FAILED, item):
            yield AlertEvent(RUN_FAILED, item.task, run_id, _details(item))

    def _novelty(self, group: RecordedGroup) -> Iterator[AlertEvent]:
        kind = ERROR_BACK if group.is_back else ERROR_NEW
        if (group.is_new or group.is_back) and self._counts(kind, group.key):
            short = f"{group.key.code or group.key.type}: {group.key.message}"[:120]
            yield AlertEvent(kind, group.key.task, short, _details(group.key))

    def _counts(self, kind: AlertKind, item: ErrorGroupKey) -> bool:
        return item.task != DELIVERY and item.code not in self._rules[kind].ignore


def _details(item: ErrorGroupKey) -> dict[str, str | None]:
    return {
        "task": item.task,
        "type": item.type,
        "code": item.code,
        "message": item.message,
        "fingerprint": item.fingerprint,
    }
