"""What is read and written of the application's own tables, which are never altered from here."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class AgencyBrief:
    """What a prompt may tell of an agency, and its plan."""

    name: str
    plan: str
    clients: list[str]
    projects: list[str]


async def brief(executor: Executor, agency_id: str) -> AgencyBrief | None:
    record = await executor.fetchrow(QUERIES["brief"], agency_id)
    return AgencyBrief(**record) if record else None


async def plan(executor: Executor, agency_id: str) -> str | None:
    """The agency's plan, or ``None`` where there is no such agency."""
    found: str | None = await executor.fetchval(QUERIES["plan"], agency_id)
    return found


async def set_plan(connection: Connection, agency_id: str, new_plan: str, now: datetime) -> None:
    """Changes ``agencies.plan`` and ``"updatedAt"``; neither where the plan is that already."""
    await connection.execute(QUERIES["set_plan"], agency_id, new_plan, now)


async def exists(executor: Executor, agency_id: str) -> bool:
    return bool(await executor.fetchval(QUERIES["exists"], agency_id))


async def named(executor: Executor, ids: list[str]) -> list[str]:
    """Those of the ids that are agencies'."""
    return [record["id"] for record in await executor.fetch(QUERIES["named"], ids)]


async def of_email(executor: Executor, email: str) -> list[str]:
    """The agencies of the users with an address, which is in lower case and without spaces around it."""
    return [record["id"] for record in await executor.fetch(QUERIES["of_email"], email)]


async def tables_missing(executor: Executor) -> list[str]:
    """Those of the application's tables that this database lacks."""
    return [record["name"] for record in await executor.fetch(QUERIES["tables_missing"])]


async def count_others(executor: Executor, ids: list[str]) -> int:
    """How many agencies there are besides these; 0 where the application has no tables here."""
    if "agencies" in await tables_missing(executor):
        return 0
    return int(await executor.fetchval(QUERIES["count_others"], ids))
