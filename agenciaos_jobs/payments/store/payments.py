"""Subscriptions, and the audit of deliveries that changed them."""

from dataclasses import astuple, dataclass, fields
from datetime import datetime
from decimal import Decimal

import asyncpg

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.payments.policy.decision import Action, Subscription

QUERIES = load(__name__)


@dataclass(frozen=True)
class NewRecord:
    """A delivery, its effect and the reason, in the column order of ``add``.

    ``amount`` is in ``currency``, which is BRL if ``None``.
    """

    run_id: str
    source: str
    event: str
    occurred_at: datetime
    recorded_at: datetime
    action: Action
    reason: str
    payload: Json
    event_id: str | None = None
    status: str | None = None
    customer_id: str | None = None
    agency_id: str | None = None
    product_id: str | None = None
    amount: Decimal | None = None
    plan_before: str | None = None
    plan_after: str | None = None
    contract_id: str | None = None
    email: str | None = None
    code: str | None = None
    cycle: int | None = None
    period_end: datetime | None = None
    due_at: datetime | None = None
    currency: str | None = None
    is_capped: bool = False


@dataclass(frozen=True, kw_only=True)
class PaymentRecord(NewRecord):
    """A row of the audit; ids follow the order of the decisions on one agency."""

    id: int


async def lock_agency(connection: Connection, agency_id: str) -> None:
    """Locks an agency's subscription until the transaction ends."""
    await connection.execute(QUERIES["lock_agency"], agency_id)


async def subscription(connection: Connection, agency_id: str) -> Subscription | None:
    record = await connection.fetchrow(QUERIES["subscription"], agency_id)
    return Subscription(**record) if record else None


async def is_decided(connection: Connection, source: str, event_id: str) -> bool:
    """Whether an earlier delivery of the event was processed."""
    return bool(await connection.fetchval(QUERIES["is_decided"], source, event_id))


async def was_notified(executor: Executor, record: NewRecord, *, of_customer: bool) -> bool:
    """Whether the event, or with ``of_customer`` any of its customer's, had the same result before."""
    customer = record.customer_id if of_customer else None
    found = await executor.fetchval(
        QUERIES["was_notified"], record.action, record.code, record.event_id, customer, record.source
    )
    return bool(found)


async def save_subscription(connection: Connection, agency_id: str, new: Subscription, now: datetime) -> None:
    await connection.execute(
        QUERIES["save_subscription"],
        agency_id,
        new.plan,
        new.status,
        new.product_id,
        new.last_event_id,
        new.last_event_at,
        new.source,
        new.code,
        new.period_end,
        new.due_at,
        now,
    )


async def add(connection: Connection, record: NewRecord) -> None:
    """Adds a row to the audit, which is append-only."""
    await connection.execute(QUERIES["add"], *astuple(record))


async def get(executor: Executor, record_id: int) -> PaymentRecord | None:
    record = await executor.fetchrow(QUERIES["get"], record_id)
    return payment_of(record) if record else None


async def history(executor: Executor, agency_id: str) -> list[PaymentRecord]:
    """All of an agency's events, in the order of the decisions."""
    return [payment_of(record) for record in await executor.fetch(QUERIES["history"], agency_id)]


async def last_run(executor: Executor, purchase_id: str) -> str | None:
    """The run of a purchase's newest event."""
    run_id: str | None = await executor.fetchval(QUERIES["last_run"], purchase_id)
    return run_id


async def newest(
    executor: Executor,
    *,
    agency_id: str | None = None,
    action: Action | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[PaymentRecord]:
    """The deliveries that match the filters, newest first; ``before_id`` is the cursor of the next page."""
    return [
        payment_of(record) for record in await executor.fetch(QUERIES["newest"], agency_id, action, before_id, limit)
    ]


async def unmatched(executor: Executor, now: datetime) -> list[PaymentRecord]:
    """Events without an agency, oldest first; each once, however often it was delivered."""
    return await waiting(executor, Action.UNMATCHED, now)


async def waiting(executor: Executor, action: Action, before: datetime) -> list[PaymentRecord]:
    """Events whose latest action is ``action``, recorded at or before a moment, oldest first."""
    return [payment_of(record) for record in await executor.fetch(QUERIES["waiting"], action, before)]


async def name_agency(connection: Connection, run_id: str, agency_id: str) -> None:
    """Sets the agency of a run, once it is known."""
    await connection.execute(QUERIES["name_agency"], run_id, agency_id)


_COLUMNS = [field.name for field in fields(PaymentRecord)]


def payment_of(record: asyncpg.Record) -> PaymentRecord:
    """The delivery in a row of ``jobs.payment_events``; further columns are left out."""
    values = {name: record[name] for name in _COLUMNS}
    return PaymentRecord(**values | {"action": Action(record["action"])})
