"""Purchases, the plans of products, and the customers known for each agency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.payments.policy.application import facts_of
from agenciaos_jobs.payments.policy.decision import Account
from agenciaos_jobs.payments.policy.entitlement import APPLICATION, OwnPurchase
from agenciaos_jobs.payments.policy.purchase import Purchase
from agenciaos_jobs.payments.store import payments

QUERIES = load(__name__)

_FACTS = TypeAdapter(Purchase)


@dataclass(frozen=True)
class OwnedPurchase:
    """A purchase, and the agency that made it."""

    id: str
    agency_id: str
    source: str


async def lock(connection: Connection, purchase_id: str) -> None:
    """Locks a purchase until the transaction ends. Must be taken before the agency's lock."""
    await connection.execute(QUERIES["lock"], purchase_id)


async def find(executor: Executor, names: Sequence[str]) -> OwnedPurchase | None:
    """The purchase with one of these ids."""
    record = await executor.fetchrow(QUERIES["find"], list(names))
    return OwnedPurchase(**record) if record else None


async def account(connection: Connection, agency_id: str) -> Account | None:
    """The input for a decision on an agency's plan; ``None`` if there is no such agency."""
    plan = await agencies.plan(connection, agency_id)
    if plan is None:
        return None
    subscription = await payments.subscription(connection, agency_id)
    records = await connection.fetch(QUERIES["of_agency"], agency_id)
    purchases = {one["id"]: OwnPurchase(one["source"], _FACTS.validate_python(one["facts"])) for one in records}
    if subscription and subscription.source == APPLICATION and subscription.code is None:  # by an earlier release
        reported = purchases.get(APPLICATION, OwnPurchase(APPLICATION, Purchase()))
        purchases[APPLICATION] = OwnPurchase(APPLICATION, reported.facts.merge(facts_of(subscription)))
    return Account(plan, subscription, purchases)


async def save(
    connection: Connection, purchase_id: str, uuid: str | None, agency_id: str, purchase: OwnPurchase, now: datetime
) -> None:
    facts = _FACTS.dump_python(purchase.facts, mode="json")
    if purchase.source == APPLICATION:
        await connection.execute(QUERIES["save_application"], agency_id, facts, now)
    else:
        await connection.execute(QUERIES["save"], purchase_id, uuid, agency_id, facts, now, purchase.source)


async def move(connection: Connection, purchase_id: str, agency_id: str, now: datetime) -> None:
    """Gives a purchase to another agency."""
    await connection.execute(QUERIES["move"], purchase_id, agency_id, now)


async def plans_of_products(executor: Executor) -> dict[str, str]:
    """The plans that people have given to products."""
    return {record["product"]: record["plan"] for record in await executor.fetch(QUERIES["plans_of_products"])}


async def give_plan(connection: Connection, product: str, plan: str, now: datetime) -> None:
    """Gives a product a plan, besides those that the settings list."""
    await connection.execute(QUERIES["give_plan"], product, plan, now)


async def known_customers(executor: Executor, names: Sequence[str]) -> list[str]:
    """The agencies to which these names were assigned."""
    return [record["agency_id"] for record in await executor.fetch(QUERIES["known_customers"], list(names))]


async def associate(connection: Connection, names: Sequence[str], agency_id: str, now: datetime) -> None:
    """Assigns future payments under these names to the agency."""
    await connection.execute(QUERIES["associate"], list(names), agency_id, now)


async def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Up to ``limit`` agencies whose plan is due to change, the longest overdue first."""
    return [record["agency_id"] for record in await connection.fetch(QUERIES["due"], now, limit)]


async def is_due(executor: Executor, now: datetime) -> bool:
    return bool(await executor.fetchval(QUERIES["is_due"], now))


async def clear_due(connection: Connection, agency_id: str) -> None:
    """Clears an agency's due date, so that its plan stays until the next event."""
    await connection.execute(QUERIES["clear_due"], agency_id)


async def to_compare(executor: Executor, sources: Sequence[str], base_plan: str, since: datetime) -> list[str]:
    """Agencies that have a plan through one of these providers, or had an event since."""
    records = await executor.fetch(QUERIES["to_compare"], list(sources), base_plan, since)
    return [record["agency_id"] for record in records]
