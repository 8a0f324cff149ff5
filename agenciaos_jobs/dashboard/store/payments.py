"""Payments for the dashboard."""

from dataclasses import dataclass

from agenciaos_jobs.foundation.database import Database, Executor
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.payments.policy.decision import Action
from agenciaos_jobs.payments.store.payments import PaymentRecord, payment_of

QUERIES = load(__name__)


@dataclass(frozen=True)
class PaymentRow:
    """A delivery, and the name of its agency."""

    record: PaymentRecord
    agency: str | None


async def page(
    database: Database,
    *,
    agency_id: str | None = None,
    action: Action | None = None,
    source: str | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[PaymentRow]:
    """Deliveries, newest first; ``before_id`` is the last one of the previous page."""
    async with database.transaction() as connection:
        await connection.execute(QUERIES["plan_each_time"])
        found = await connection.fetch(QUERIES["page"], agency_id, action, source, before_id, limit)
    return [PaymentRow(payment_of(record), record["agency"]) for record in found]


async def same_event(executor: Executor, record: PaymentRecord) -> list[PaymentRecord]:
    """Other deliveries of the same event, newest first; none where the sender gave it no id."""
    if record.event_id is None:
        return []
    found = await executor.fetch(QUERIES["same_event"], record.source, record.event_id, record.id)
    return [payment_of(one) for one in found]
