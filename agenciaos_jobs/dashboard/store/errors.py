"""Details of an error group besides its counts."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Selection:
    """A part of a group's failed runs: those that ended from ``since`` up to before ``until``, and those of one agency.

    A criterion that is ``None`` selects all.
    """

    since: datetime | None = None
    until: datetime | None = None
    agency_id: str | None = None


@dataclass(frozen=True)
class Affected:
    """An agency, and the number of its runs that failed with the group's error."""

    agency_id: str
    name: str | None
    runs: int
    last_seen_at: datetime


@dataclass(frozen=True)
class FailedRun:
    """A run that failed with the group's error; ``is_replayed`` where a replay of it exists."""

    id: str
    agency_id: str | None
    agency: str | None
    status: Status
    attempt: int
    finished_at: datetime
    message: str | None
    is_replayed: bool


async def affected(
    executor: Executor, fingerprint: str, since: datetime, until: datetime, limit: int
) -> list[Affected]:
    """The agencies with runs that failed from ``since`` up to before ``until``, most affected first."""
    records = await executor.fetch(QUERIES["agencies"], fingerprint, since, until, limit)
    return [Affected(**record) for record in records]


async def latest(executor: Executor, fingerprint: str, part: Selection, limit: int) -> list[FailedRun]:
    """The selected runs that failed most recently."""
    records = await executor.fetch(QUERIES["latest"], fingerprint, part.since, part.until, part.agency_id, limit)
    return [FailedRun(**{**record, "status": Status(record["status"])}) for record in records]


async def unreplayed(executor: Executor, fingerprint: str, part: Selection, limit: int) -> list[str]:
    """The selected runs without a replay, newest first."""
    records = await executor.fetch(QUERIES["unreplayed"], fingerprint, part.since, part.until, part.agency_id, limit)
    return [record["id"] for record in records]
