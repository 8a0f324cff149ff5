"""Access to the application's own tables. This service never alters their schema."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class AgencyBrief:
    """The facts about an agency that a prompt may contain, and its plan."""

    name: str
    plan: str
    clients: list[str]
    projects: list[str]


@dataclass(frozen=True)
class Owner:
    """The agency that something belongs to. ``kind`` is what it is: agency, client, project or task."""

    agency_id: str
    kind: str


async def owner_of(executor: Executor, any_id: str) -> Owner | None:
    """The agency with an id, or that of the client, project or task with it."""
    record = await executor.fetchrow(QUERIES["owner_of"], any_id)
    return Owner(**record) if record else None


async def brief(executor: Executor, agency_id: str) -> AgencyBrief | None:
    record = await executor.fetchrow(QUERIES["brief"], agency_id)
    return AgencyBrief(**record) if record else None


async def plan(executor: Executor, agency_id: str) -> str | None:
    """The agency's plan; ``None`` for an unknown agency."""
    found: str | None = await executor.fetchval(QUERIES["plan"], agency_id)
    return found


async def set_plan(connection: Connection, agency_id: str, new_plan: str, now: datetime) -> None:
    """Sets ``agencies.plan`` and ``"updatedAt"``, unless the plan is already the same."""
    await connection.execute(QUERIES["set_plan"], agency_id, new_plan, now)


async def known_plans(executor: Executor) -> set[str]:
    """The plans that the application's own type has."""
    return {record["name"] for record in await executor.fetch(QUERIES["known_plans"])}


async def exists(executor: Executor, agency_id: str) -> bool:
    return bool(await executor.fetchval(QUERIES["exists"], agency_id))


async def named(executor: Executor, ids: list[str]) -> list[str]:
    """Those of the ids that belong to agencies."""
    return [record["id"] for record in await executor.fetch(QUERIES["named"], ids)]


async def of_email(executor: Executor, email: str) -> list[str]:
    """The agencies of verified users, or else of owners, with an address, which must be lower-case and trimmed."""
    return [record["id"] for record in await executor.fetch(QUERIES["of_email"], email)]


async def tables_missing(executor: Executor) -> list[str]:
    """The names of the application's tables that are missing in this database."""
    return [record["name"] for record in await executor.fetch(QUERIES["tables_missing"])]


async def privileges_missing(executor: Executor) -> list[str]:
    """What the current role lacks to use the application's tables, in the words of ``GRANT``."""
    return [record["missing"] for record in await executor.fetch(QUERIES["privileges_missing"])]


async def count_others(executor: Executor, ids: list[str]) -> int:
    """The number of agencies other than these; 0 if the application's tables are missing."""
    if "agencies" in await tables_missing(executor):
        return 0
    return int(await executor.fetchval(QUERIES["count_others"], ids))
