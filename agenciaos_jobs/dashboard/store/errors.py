"""What a page tells of one error group besides its counts."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class Affected:
    """An agency, and how many of its runs a group has ended."""

    agency_id: str
    name: str | None
    runs: int
    last_seen_at: datetime


@dataclass(frozen=True)
class Case:
    """A run that the group has ended; ``is_replayed`` where somebody has started it again."""

    id: str
    agency_id: str | None
    agency: str | None
    status: Status
    attempt: int
    finished_at: datetime
    message: str | None
    is_replayed: bool


async def affected(executor: Executor, fingerprint: str, since: datetime, limit: int) -> list[Affected]:
    """The agencies whose runs the group has ended since then, most affected first."""
    return [Affected(**record) for record in await executor.fetch(QUERIES["agencies"], fingerprint, since, limit)]


async def latest(executor: Executor, fingerprint: str, limit: int) -> list[Case]:
    """The runs that the group has ended last."""
    records = await executor.fetch(QUERIES["latest"], fingerprint, limit)
    return [Case(**{**record, "status": Status(record["status"])}) for record in records]


async def unreplayed(executor: Executor, fingerprint: str, agency_id: str | None, limit: int) -> list[str]:
    """The group's runs, or those of one agency, that were never replayed: the newest first."""
    return [record["id"] for record in await executor.fetch(QUERIES["unreplayed"], fingerprint, agency_id, limit)]
