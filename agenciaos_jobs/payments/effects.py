"""What a payment does: facts, subscription, plan, audit and alerts, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection, Executor
from agenciaos_jobs.payments.policy.decision import Action, Decision
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.store.payments import NewRecord


async def current_terms(executor: Executor, uses: Payments) -> Terms:
    """The terms of the settings, with the products that people have given a plan."""
    return uses.terms.with_products(await purchases.plans_of_products(executor))


async def take_effect(
    connection: Connection,
    context: RunContext[Payments],
    agency_id: str,
    decision: Decision,
    record: NewRecord,
    raised: Sequence[AlertEvent] = (),
) -> Json:
    """Stores the subscription and the plan that were decided, and the audit of the delivery."""
    now, subscription = context.clock.now(), decision.subscription
    if subscription and decision.plan_after:
        await payments.save_subscription(connection, agency_id, subscription, now)
        await agencies.set_plan(connection, agency_id, decision.plan_after, now)
    decided = replace(
        record,
        action=decision.action,
        reason=decision.reason,
        code=decision.code,
        agency_id=agency_id,
        plan_before=decision.plan_before,
        plan_after=decision.plan_after,
        due_at=decision.changes_at,
    )
    return await keep(connection, context, decided, raised)


async def keep(
    connection: Connection, context: RunContext[Payments], record: NewRecord, raised: Sequence[AlertEvent] = ()
) -> Json:
    """Adds the audit of a delivery and its alerts; returns the run's output."""
    await payments.add(connection, record)
    if raised:
        await alerts.add(connection, list(raised), context.clock)
    for alert in raised:
        context.log.warning("payment_waits", kind=alert.kind, code=record.code, contract=record.contract_id)
    context.log.info("payment_decided", action=record.action, plan=record.plan_after, code=record.code)
    return {
        "success": True,
        "action": record.action,
        "code": record.code,
        "reason": record.reason,
        "agencyId": record.agency_id,
        "planBefore": record.plan_before,
        "planAfter": record.plan_after,
    }


def new_record(
    context: RunContext[Payments], source: str, payload: Json, event: PaymentEvent | NotUnderstood
) -> NewRecord:
    """The audit of a delivery before any decision."""
    now = context.clock.now()
    record = NewRecord(context.run.id, source, "unknown", context.run.created_at, now, Action.IGNORED, "", payload)
    if isinstance(event, NotUnderstood):
        return replace(record, code=event.code, reason=event.reason)
    return replace(
        record,
        event=event.kind,
        occurred_at=event.occurred_at,
        event_id=event.event_id or None,
        status=event.status or None,
        customer_id=event.customer.id or event.customer.email or event.purchase_id or None,
        product_id=context.uses.terms.product(event.products) or next(iter(event.products), None),
        amount=event.amount,
        currency=event.currency,
        is_capped=event.is_capped,
        contract_id=event.purchase_id or None,
        email=event.customer.email,
        cycle=event.cycle,
        period_end=event.period_end,
    )
