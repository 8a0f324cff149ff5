"""Subscriptions, and the deliveries that made them what they are."""

from datetime import datetime

from agenciaos_jobs.core.payment import Decision, Payment, Subscription
from agenciaos_jobs.storage.database import Connection
from agenciaos_jobs.storage.queries import load

QUERIES = load("payments")


async def lock_agency(connection: Connection, agency_id: str) -> None:
    """Lets one transaction at a time decide about an agency's subscription."""
    await connection.execute(QUERIES["lock_agency"], agency_id)


async def subscription(connection: Connection, agency_id: str) -> Subscription | None:
    record = await connection.fetchrow(QUERIES["subscription"], agency_id)
    return Subscription(**record) if record else None


async def is_decided(connection: Connection, source: str, event_id: str) -> bool:
    """Whether an earlier delivery of the event was understood and dealt with."""
    return bool(await connection.fetchval(QUERIES["is_decided"], source, event_id))


async def save_subscription(connection: Connection, agency_id: str, new: Subscription, now: datetime) -> None:
    await connection.execute(
        QUERIES["save_subscription"],
        agency_id,
        new.plan,
        new.status,
        new.product_id,
        new.last_event_id,
        new.last_event_at,
        now,
    )


async def record_event(
    connection: Connection, run_id: str, payment: Payment, decision: Decision, agency_id: str | None, now: datetime
) -> None:
    """Adds the delivery, what it did and why."""
    await connection.execute(
        QUERIES["record_event"],
        run_id,
        payment.source,
        payment.event_id,
        payment.event,
        payment.status,
        payment.customer_id,
        agency_id,
        payment.product_id,
        payment.amount,
        payment.occurred_at,
        now,
        decision.action,
        decision.reason,
        decision.plan_before,
        decision.plan_after,
        payment.raw,
    )
