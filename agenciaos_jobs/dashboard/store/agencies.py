"""Agencies for the dashboard: plan, AI use of the month, payments."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from agenciaos_jobs.dashboard.store.runs import escape_like
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


@dataclass(frozen=True)
class AgencyRow:
    """A row of the list. ``used`` counts against the plan's monthly limit; ``cost`` is in US dollars."""

    id: str
    name: str
    plan: str
    subscription: str | None
    used: int
    generations: int
    cost: Decimal

    @property
    def place(self) -> tuple[str, str]:
        """The row's cursor in the list."""
        return self.name, self.id


@dataclass(frozen=True)
class Agency:
    """An agency's details."""

    id: str
    name: str
    plan: str
    created_at: datetime
    owner: str | None
    owner_email: str | None
    clients: int
    projects: int


@dataclass(frozen=True)
class AiMonth:
    """An agency's AI use in a month; ``cost`` is in US dollars."""

    month: date
    completed: int
    failed: int
    cost: Decimal


@dataclass(frozen=True)
class AgentUse:
    """An agency's use of one agent; ``cost`` is in US dollars."""

    agent_type: str
    generations: int
    cost: Decimal


@dataclass(frozen=True)
class Subscribed:
    """The subscription behind an agency's plan."""

    plan: str
    status: str
    product_id: str | None
    last_event_at: datetime
    updated_at: datetime


async def page(
    executor: Executor,
    month: Month,
    *,
    text: str | None = None,
    plan: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> list[AgencyRow]:
    """Agencies by name, starting after ``after``; ``text`` is a part of a name or an id."""
    pattern = f"%{escape_like(text)}%" if text else None
    position = after or (None, None)
    records = await executor.fetch(QUERIES["page"], month.first_day, *month.bounds, pattern, plan, *position, limit)
    return [AgencyRow(**record) for record in records]


async def plans(executor: Executor) -> dict[str, int]:
    """The number of agencies by plan."""
    return {record["plan"]: record["agencies"] for record in await executor.fetch(QUERIES["plans"])}


async def one(executor: Executor, agency_id: str) -> Agency | None:
    record = await executor.fetchrow(QUERIES["one"], agency_id)
    return Agency(**record) if record else None


async def used(executor: Executor, agency_id: str, month: Month) -> int:
    """The generations that count against the month's limit."""
    return int(await executor.fetchval(QUERIES["used"], agency_id, month.first_day, *month.bounds))


async def months(executor: Executor, agency_id: str, since: Month) -> list[AiMonth]:
    """The months with any AI use, oldest first."""
    return [AiMonth(**record) for record in await executor.fetch(QUERIES["months"], agency_id, since.starts_at)]


async def agents(executor: Executor, agency_id: str, since: Month) -> list[AgentUse]:
    """The use by agent, highest first."""
    return [AgentUse(**record) for record in await executor.fetch(QUERIES["agents"], agency_id, since.starts_at)]


async def subscription(executor: Executor, agency_id: str) -> Subscribed | None:
    record = await executor.fetchrow(QUERIES["subscription"], agency_id)
    return Subscribed(**record) if record else None
