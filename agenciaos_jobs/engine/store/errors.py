"""Error groups: the faults that end runs, how often, and whether somebody has resolved them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agenciaos_jobs.engine.model.fingerprint import Fault
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Noted:
    """What noting a fault has shown: seen for the first time, or back after it was resolved."""

    fault: Fault
    run_id: str
    cases: int
    is_new: bool
    is_back: bool


@dataclass(frozen=True)
class ErrorGroup:
    """A fault. ``message`` is the newest run's; ``resolved_at`` is ``None`` while the group is open."""

    fingerprint: str
    task: str
    type: str
    code: str | None
    message: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    last_run_id: str
    resolved_at: datetime | None
    reopened_at: datetime | None

    @property
    def place(self) -> tuple[datetime, str]:
        """Where the group stood in the list when it was read."""
        return self.last_seen_at, self.fingerprint


@dataclass(frozen=True)
class Trend:
    """Runs that a group has ended, in equal steps of time, oldest first, and how many agencies' runs these were."""

    group: ErrorGroup
    counts: tuple[int, ...]
    agencies: int


async def note(connection: Connection, ended: Sequence[tuple[str, Fault]], now: datetime) -> list[Noted]:
    """Counts runs by the faults that ended them, in the transaction that ends them, as its last statement.

    A resolved group that a fault comes back to is open again.
    """
    if not ended:
        return []
    rows = [(run_id, item.fingerprint, item.task, item.type, item.code, item.message) for run_id, item in ended]
    columns = [list(column) for column in zip(*rows, strict=True)]
    records = {record["fingerprint"]: record for record in await connection.fetch(QUERIES["note"], *columns, now)}
    faults = {item.fingerprint: (run_id, item) for run_id, item in ended}
    cases = [item.fingerprint for _, item in ended]
    return [
        Noted(item, run_id, cases.count(name), records[name]["is_new"], records[name]["is_back"])
        for name, (run_id, item) in faults.items()
    ]


async def trends(
    executor: Executor,
    *,
    until: datetime,
    step: timedelta,
    steps: int,
    task: str | None = None,
    is_resolved: bool | None = False,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Trend]:
    """A page of groups, last seen first, with what they did in the ``steps`` steps before ``until``.

    ``is_resolved`` is ``None`` for all; ``after`` is the ``place`` of the last group of the page before.
    """
    position = after or (None, None)
    records = await executor.fetch(QUERIES["groups"], task, is_resolved, *position, limit)
    return await _with_counts(executor, [ErrorGroup(**record) for record in records], until, step, steps)


async def trend(executor: Executor, fingerprint: str, *, until: datetime, step: timedelta, steps: int) -> Trend | None:
    """One group; ``None`` where there is no such one."""
    record = await executor.fetchrow(QUERIES["group"], fingerprint)
    return (await _with_counts(executor, [ErrorGroup(**record)], until, step, steps))[0] if record else None


async def _with_counts(
    executor: Executor, groups: list[ErrorGroup], until: datetime, step: timedelta, steps: int
) -> list[Trend]:
    since, names = until - steps * step, [group.fingerprint for group in groups]
    counts = {name: [0] * steps for name in names}
    for record in await executor.fetch(QUERIES["trends"], names, since, step, until):
        counts[record["error_group"]][record["bucket"]] = record["runs"]
    affected = dict.fromkeys(names, 0)
    for record in await executor.fetch(QUERIES["agency_counts"], names, since):
        affected[record["error_group"]] = record["agencies"]
    return [Trend(group, tuple(counts[group.fingerprint]), affected[group.fingerprint]) for group in groups]


async def resolve(executor: Executor, fingerprints: Sequence[str], now: datetime) -> list[str]:
    """Calls groups resolved until they come back; returns those that were open."""
    return [record["fingerprint"] for record in await executor.fetch(QUERIES["resolve"], list(fingerprints), now)]


async def reopen(executor: Executor, fingerprints: Sequence[str]) -> list[str]:
    """Takes back what :func:`resolve` did; returns those groups that were resolved."""
    return [record["fingerprint"] for record in await executor.fetch(QUERIES["reopen"], list(fingerprints))]
