"""Error groups: their counts, trends and resolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agenciaos_jobs.engine.model.fingerprint import MAX_OPEN_GROUPS, ErrorGroupKey, rest_of
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class RecordedGroup:
    """An error group after recording failures: ``is_new`` or, after it was resolved, ``is_back``."""

    key: ErrorGroupKey
    run_id: str
    cases: int
    is_new: bool
    is_back: bool


@dataclass(frozen=True)
class ErrorGroup:
    """A stored error group. ``message`` is the latest run's; ``resolved_at`` is ``None`` while the group is open."""

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
        """The group's position in the list, as a cursor for the next page."""
        return self.last_seen_at, self.fingerprint


@dataclass(frozen=True)
class Trend:
    """A group's failed runs in equal time steps, oldest first, and the number of agencies affected."""

    group: ErrorGroup
    counts: tuple[int, ...]
    agencies: int


async def within_limit(
    connection: Connection, ended: Sequence[tuple[str, ErrorGroupKey]]
) -> list[tuple[str, ErrorGroupKey]]:
    """The failed runs; new groups beyond the limit are replaced by the shared group of their task and error type.

    Transactions under way at the same time may exceed it by their own groups.
    """
    keys = {key.fingerprint: key for _, key in ended}
    columns = [list(keys), [key.task for key in keys.values()], [key.type for key in keys.values()]]
    excess = {row["fingerprint"] for row in await connection.fetch(QUERIES["excess"], *columns, MAX_OPEN_GROUPS)}
    return [(run_id, rest_of(key) if key.fingerprint in excess else key) for run_id, key in ended]


async def record(
    connection: Connection, ended: Sequence[tuple[str, ErrorGroupKey]], now: datetime
) -> list[RecordedGroup]:
    """Counts failed runs into their groups, as the last statement of the transaction that ends the runs.

    A resolved group with a new failure is reopened.
    """
    if not ended:
        return []
    rows = [(run_id, key.fingerprint, key.task, key.type, key.code, key.message) for run_id, key in ended]
    columns = [list(column) for column in zip(*rows, strict=True)]
    records = {row["fingerprint"]: row for row in await connection.fetch(QUERIES["record"], *columns, now)}
    keys = {key.fingerprint: (run_id, key) for run_id, key in ended}
    cases = [key.fingerprint for _, key in ended]
    return [
        RecordedGroup(key, run_id, cases.count(name), records[name]["is_new"], records[name]["is_back"])
        for name, (run_id, key) in keys.items()
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
    """A page of groups, last seen first, with their counts in the ``steps`` steps before ``until``.

    ``is_resolved`` is ``None`` for all; ``after`` is the ``place`` of the previous page's last group.
    """
    position = after or (None, None)
    records = await executor.fetch(QUERIES["groups"], task, is_resolved, *position, limit)
    return await _with_counts(executor, [ErrorGroup(**record) for record in records], until, step, steps)


async def trend(executor: Executor, fingerprint: str, *, until: datetime, step: timedelta, steps: int) -> Trend | None:
    """One group; ``None`` if there is none with this fingerprint."""
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
    """Resolves groups; returns those that were open."""
    return [record["fingerprint"] for record in await executor.fetch(QUERIES["resolve"], list(fingerprints), now)]


async def reopen(executor: Executor, fingerprints: Sequence[str]) -> list[str]:
    """Reopens groups; returns those that were resolved."""
    return [record["fingerprint"] for record in await executor.fetch(QUERIES["reopen"], list(fingerprints))]
