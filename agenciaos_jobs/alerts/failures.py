"""What is noted of runs that ended as failures: their error groups, and the alerts these are worth."""

from collections.abc import Iterator, Sequence

from agenciaos_jobs.alerts.alert import DELIVERY, AlertRules, Event, Kind
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.model.fingerprint import Fault, fault
from agenciaos_jobs.engine.model.run import RunError
from agenciaos_jobs.engine.store import errors
from agenciaos_jobs.engine.store.errors import Noted
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection

Failed = tuple[str, str, RunError]
"""A run's id, its task, and why it failed."""


class Faults:
    """Notes failures in the transaction that ends the runs, as its last statements."""

    def __init__(self, clock: Clock, rules: AlertRules) -> None:
        self._clock, self._rules = clock, rules

    async def note(self, connection: Connection, ended: Sequence[Failed]) -> None:
        """Counts the runs into their error groups, and raises what the rules do not ignore."""
        if not ended:
            return
        faults = [(run_id, fault(task, error)) for run_id, task, error in ended]
        noted = await errors.note(connection, faults, self._clock.now())
        events = [event for run_id, item in faults for event in self._failure(run_id, item)]
        events += [event for group in noted for event in self._novelty(group)]
        await alerts.add(connection, events, self._clock)

    def _failure(self, run_id: str, item: Fault) -> Iterator[Event]:
        if self._counts(Kind.RUN_FAILED, item):
            yield Event(Kind.RUN_FAILED, item.task, run_id, _details(item))

    def _novelty(self, group: Noted) -> Iterator[Event]:
        kind = Kind.ERROR_BACK if group.is_back else Kind.ERROR_NEW
        if (group.is_new or group.is_back) and self._counts(kind, group.fault):
            short = f"{group.fault.code or group.fault.type}: {group.fault.message}"[:120]
            yield Event(kind, group.fault.task, short, _details(group.fault))

    def _counts(self, kind: Kind, item: Fault) -> bool:
        return item.task != DELIVERY and item.code not in self._rules[kind].ignore


def _details(item: Fault) -> dict[str, str | None]:
    return {
        "task": item.task,
        "type": item.type,
        "code": item.code,
        "message": item.message,
        "fingerprint": item.fingerprint,
    }
