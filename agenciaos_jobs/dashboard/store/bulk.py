"""The progress of a bulk action: a replay is followed to the end of its new runs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agenciaos_jobs.engine.model.run import FAILURES, Status
from agenciaos_jobs.engine.store.bulk import Outcome
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


class State(StrEnum):
    """The progress of an item: of its run, and of the new run once a replay has made one."""

    LEFT = "left"
    """Nothing was done yet."""
    PROBLEM = "problem"
    """The item failed; its ``problem`` is the reason."""
    CANCELED = "canceled"
    OVER = "over"
    """The run had ended before it could be canceled."""
    OPEN = "open"
    """The new run has not ended."""
    SUCCEEDED = "succeeded"
    FAILED_AGAIN = "failed_again"
    STOPPED = "stopped"
    """The new run was canceled."""
    GONE = "gone"
    """The new run was deleted."""


OF_STATUS: Mapping[State, tuple[Status, ...]] = {
    State.OPEN: (Status.DELAYED, Status.QUEUED, Status.EXECUTING),
    State.SUCCEEDED: (Status.COMPLETED,),
    State.FAILED_AGAIN: tuple(sorted(FAILURES)),
    State.STOPPED: (Status.CANCELED,),
}
"""The statuses of the new run in each state that depends on it."""

_OF_OUTCOME: Mapping[Outcome | None, State] = {
    None: State.LEFT,
    "failed": State.PROBLEM,
    "canceled": State.CANCELED,
    "over": State.OVER,
}
_BY_STATUS = {status: state for state, statuses in OF_STATUS.items() for status in statuses}


@dataclass(frozen=True)
class Item:
    """A run that was acted on. ``error`` is the code of what the new run failed with."""

    run_id: str
    outcome: Outcome
    problem: str | None
    new_run_id: str | None
    new_status: Status | None
    error: str | None

    @property
    def state(self) -> State:
        return state_of(self.outcome, self.new_status)


def state_of(outcome: Outcome | None, new_status: Status | None) -> State:
    """The state of an item, from its outcome and the status of its new run, if there is one."""
    if outcome == "replayed":
        return _BY_STATUS[new_status] if new_status else State.GONE
    return _OF_OUTCOME[outcome]


async def sums(executor: Executor, bulk_id: str) -> Counter[State]:
    """The number of items in each state."""
    counts = Counter[State]()
    for record in await executor.fetch(QUERIES["sums"], bulk_id):
        counts[state_of(record["outcome"], _status(record["status"]))] += record["items"]
    return counts


async def items(executor: Executor, bulk_id: str, only: State | None, limit: int) -> list[Item]:
    """The items that were acted on, failures first; those in one state of :data:`OF_STATUS` where it is given."""
    statuses = list(OF_STATUS[only]) if only else None
    records = await executor.fetch(QUERIES["items"], bulk_id, statuses, sorted(FAILURES), limit)
    return [Item(**{**record, "new_status": _status(record["new_status"])}) for record in records]


def _status(value: str | None) -> Status | None:
    return Status(value) if value else None
