"""Details of an error group besides its counts."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


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


async def affected(executor: Executor, fingerprint: str, since: datetime, limit: int) -> list[Affected]:
    """The agencies with failed runs since then, most affected first."""
    return [Affected(**record) for record in await executor.fetch(QUERIES["agencies"], fingerprint, since, limit)]


async def latest(executor: Executor, fingerprint: str, limit: int) -> list[FailedRun]:
    """The runs that failed most recently."""
    records = await executor.fetch(QUERIES["latest"], fingerprint, limit)
    return [FailedRun(**{**record, "status": Status(record["status"])}) for record in records]


async def unreplayed(executor: Executor, fingerprint: str, agency_id: str | None, limit: int) -> list[str]:
    """The group's failed runs without a replay, newest first; those of one agency where one is given."""
    return [record["id"] for record in await executor.fetch(QUERIES["unreplayed"], fingerprint, agency_id, limit)]
