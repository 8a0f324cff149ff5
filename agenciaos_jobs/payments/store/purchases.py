"""What agencies have bought through Guru, and whose payments are whose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.payments.policy.guru_decision import Account
from agenciaos_jobs.payments.policy.purchase import Purchase
from agenciaos_jobs.payments.store import payments

QUERIES = load(__name__)

_FACTS = TypeAdapter(Purchase)


@dataclass(frozen=True)
class Held:
    """A purchase, and the agency that made it."""

    id: str
    agency_id: str


async def lock(connection: Connection, contract_id: str) -> None:
    """Lets one transaction at a time find out whose a purchase is. To be taken before the agency's lock."""
    await connection.execute(QUERIES["lock"], contract_id)


async def find(executor: Executor, names: Sequence[str]) -> Held | None:
    """The purchase that goes by one of these names."""
    record = await executor.fetchrow(QUERIES["find"], list(names))
    return Held(**record) if record else None


async def account(connection: Connection, agency_id: str) -> Account | None:
    """Everything a decision about an agency's plan is made from; ``None`` where there is no such agency."""
    plan = await agencies.plan(connection, agency_id)
    if plan is None:
        return None
    bought = await connection.fetch(QUERIES["of_agency"], agency_id)
    contracts = {record["id"]: _FACTS.validate_python(record["facts"]) for record in bought}
    return Account(plan, await payments.subscription(connection, agency_id), contracts)


async def save(
    connection: Connection, contract_id: str, uuid: str | None, agency_id: str, facts: Purchase, now: datetime
) -> None:
    stored = _FACTS.dump_python(facts, mode="json")
    await connection.execute(QUERIES["save"], contract_id, uuid, agency_id, stored, now)


async def known_customers(executor: Executor, names: Sequence[str]) -> list[str]:
    """The agencies that somebody has assigned these names to."""
    return [record["agency_id"] for record in await executor.fetch(QUERIES["known_customers"], list(names))]


async def remember(connection: Connection, names: Sequence[str], agency_id: str, now: datetime) -> None:
    """Lets payments under these names be the agency's from now on."""
    await connection.execute(QUERIES["remember"], list(names), agency_id, now)


async def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Agencies whose plan changes by itself, the longest overdue first."""
    return [record["agency_id"] for record in await connection.fetch(QUERIES["due"], now, limit)]


async def is_due(executor: Executor, now: datetime) -> bool:
    return bool(await executor.fetchval(QUERIES["is_due"], now))


async def forget_due(connection: Connection, agency_id: str) -> None:
    """Leaves an agency's plan as it is until something arrives."""
    await connection.execute(QUERIES["forget_due"], agency_id)


async def to_compare(executor: Executor, since: datetime) -> list[str]:
    """Agencies that have a plan through Guru, or have heard from it since."""
    return [record["agency_id"] for record in await executor.fetch(QUERIES["to_compare"], since)]
