"""Applies a Digital Manager Guru webhook to an agency's plan."""

from dataclasses import dataclass, replace
from functools import partial

from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Job, Json, Limits, RetryLater
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.alerts import PAYMENT_UNMATCHED, PAYMENT_UNVERIFIED, WEBHOOK_DEACTIVATED
from agenciaos_jobs.payments.guru.confirmation import mismatch_with_api
from agenciaos_jobs.payments.guru.reader import read_stored
from agenciaos_jobs.payments.ownership import Owner, owner_of
from agenciaos_jobs.payments.policy.application_decision import Action, Decision
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.policy.guru_decision import SOURCE, Account, decide_event
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.store.payments import NewRecord

FROM_GURU = "from-guru"
"""Tag of a run whose body came from Guru's REST API, so that it needs no confirmation."""

NOT_CONFIRMED = "not_confirmed"

_CONFIRMATION_ATTEMPTS = 3


class Payload(BaseModel):
    """A webhook's body as received, without the token."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"title": "ProcessGuruWebhook"})


@dataclass(frozen=True)
class Objection:
    """Why an event must not activate a plan."""

    action: Action
    code: str
    reason: str


async def run(context: RunContext[Payments], _: Payload) -> CommitWith:
    event = read_stored(context.run.payload, context.run.created_at)
    if isinstance(event, NotUnderstood):
        context.log.warning("payment_not_understood", code=event.code)
        record = replace(_record(context, event), code=event.code, reason=event.reason)
        return CommitWith(partial(_keep, context=context, record=record))
    if event.kind == "webhook_deactivation":
        reason = f"Guru has disabled webhook {event.id}: {event.detail}"
        record = replace(_record(context, event), code=event.kind, reason=reason)
        alert = AlertEvent(WEBHOOK_DEACTIVATED, SOURCE, event.id, {"reason": event.detail})
        return CommitWith(partial(_keep, context=context, record=record, alert=alert))
    if context.uses.terms.product(event.products) is None:
        reason = f"PLAN_PRODUCTS has none of {', '.join(event.products) or 'no product'}"
        unknown = Objection(Action.REJECTED, "unknown_product", reason)
        return CommitWith(partial(_set_aside, context=context, event=event, why=unknown))
    is_checked, objection = await _verify(context, event)
    return CommitWith(partial(_apply, context=context, event=event, is_checked=is_checked, objection=objection))


async def _verify(context: RunContext[Payments], event: PaymentEvent) -> tuple[bool, Objection | None]:
    """Confirms with Guru an event that would activate a plan. Returns whether it was checked, and any objection."""
    if context.uses.guru is None or FROM_GURU in context.run.tags:
        return True, None
    async with context.database.connection() as connection:
        owner = await owner_of(connection, event)
        account = await purchases.account(connection, owner.agency_id) if owner.agency_id else None
    if account is None or _decision(context, account, event, owner).action is not Action.ACTIVATED:
        return False, None
    try:
        answer = await (
            context.uses.guru.transaction(event.id)
            if event.kind == "transaction"
            else context.uses.guru.subscription(event.uuid or event.id)
        )
    except (RetryLater, GiveUp) as error:
        if isinstance(error, RetryLater) and context.run.attempt < context.run.max_attempts:
            raise
        return True, Objection(Action.UNVERIFIED, error.code, f"Guru could not be reached: {error}")
    denial = mismatch_with_api(event, answer, context.clock.now())
    if denial and context.run.attempt < min(
        _CONFIRMATION_ATTEMPTS, context.run.max_attempts
    ):  # its API may be behind its webhooks
        raise RetryLater(NOT_CONFIRMED, denial)
    return True, Objection(Action.REJECTED, NOT_CONFIRMED, denial) if denial else None


async def _apply(
    connection: Connection,
    *,
    context: RunContext[Payments],
    event: PaymentEvent,
    is_checked: bool,
    objection: Objection | None,
) -> Json:
    """Decides and acts under the agency's lock, so that deliveries for one agency are serialised."""
    await purchases.lock(connection, event.purchase_id)
    owner = await owner_of(connection, event)
    account = None
    if owner.agency_id:
        await payments.lock_agency(connection, owner.agency_id)
        account = await purchases.account(connection, owner.agency_id)
    if owner.agency_id is None or account is None:
        unmatched = Objection(Action.UNMATCHED, "unmatched", owner.reason)
        return await _set_aside(connection, context=context, event=event, why=unmatched)
    await payments.name_agency(connection, context.run.id, owner.agency_id)
    decision = _decision(context, account, event, owner)
    if FROM_GURU not in context.run.tags and await payments.is_decided(connection, SOURCE, event.event_id):
        decision = Decision(
            Action.DUPLICATE, "an identical event was processed before", account.plan, account.plan, code="duplicate"
        )
    if decision.action is Action.ACTIVATED and objection:
        return await _set_aside(connection, context=context, event=event, why=objection, agency_id=owner.agency_id)
    if decision.action is Action.ACTIVATED and not is_checked:  # another event was applied in between
        raise RetryLater("plan_changed_meanwhile", "the plan has changed since the check with Guru")
    if decision.action is not Action.DUPLICATE:
        facts = account.merge(event, owner.purchase_id)
        await purchases.save(connection, owner.purchase_id, event.uuid, owner.agency_id, facts, context.clock.now())
    return await _apply_decision(connection, context, event, owner.agency_id, decision)


def _decision(context: RunContext[Payments], account: Account, event: PaymentEvent, owner: Owner) -> Decision:
    return decide_event(account, event, owner.purchase_id, context.clock.now(), context.uses.terms)


async def _apply_decision(
    connection: Connection, context: RunContext[Payments], event: PaymentEvent, agency_id: str, decision: Decision
) -> Json:
    now, subscription = context.clock.now(), decision.subscription
    if subscription and decision.plan_after:
        await payments.save_subscription(connection, agency_id, subscription, now)
        await agencies.set_plan(connection, agency_id, decision.plan_after, now)
    record = replace(
        _record(context, event),
        action=decision.action,
        reason=decision.reason,
        code=decision.code,
        agency_id=agency_id,
        plan_before=decision.plan_before,
        plan_after=decision.plan_after,
        due_at=subscription.due_at if subscription else None,
    )
    return await _keep(connection, context=context, record=record)


async def _set_aside(
    connection: Connection,
    *,
    context: RunContext[Payments],
    event: PaymentEvent,
    why: Objection,
    agency_id: str | None = None,
) -> Json:
    """Stores an event that has no effect, and raises an alert: once for each customer, however often it arrives."""
    record = replace(_record(context, event), action=why.action, code=why.code, reason=why.reason, agency_id=agency_id)
    kind = PAYMENT_UNVERIFIED if why.action is Action.UNVERIFIED or why.code == NOT_CONFIRMED else PAYMENT_UNMATCHED
    alert = AlertEvent(kind, SOURCE, event.event_id, {"code": why.code, "reason": why.reason})
    is_notified = await payments.was_notified(connection, record, of_customer=why.action is Action.UNMATCHED)
    return await _keep(connection, context=context, record=record, alert=None if is_notified else alert)


async def _keep(
    connection: Connection, *, context: RunContext[Payments], record: NewRecord, alert: AlertEvent | None = None
) -> Json:
    await payments.add(connection, record)
    if alert:
        await alerts.add(connection, [alert], context.clock)
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


def _record(context: RunContext[Payments], event: PaymentEvent | NotUnderstood) -> NewRecord:
    """The record of a delivery before any decision."""
    now = context.clock.now()
    record = NewRecord(
        context.run.id, SOURCE, "unknown", context.run.created_at, now, Action.IGNORED, "", context.run.payload
    )
    if isinstance(event, NotUnderstood):
        return record
    return replace(
        record,
        event=event.kind,
        occurred_at=event.occurred_at,
        event_id=event.event_id,
        status=event.status,
        customer_id=event.customer.id or event.customer.email or event.purchase_id or None,
        product_id=context.uses.terms.product(event.products) or next(iter(event.products), None),
        amount=event.amount,
        contract_id=event.purchase_id or None,
        email=event.customer.email,
        cycle=event.cycle,
        period_end=event.period_end,
    )


JOB = Job(
    task="process-guru-webhook",
    summary=Text("Aplica um webhook da Guru ao plano da agência", "Applies Guru's webhook to the agency's plan"),
    accepted=Text("Pagamento recebido", "Payment received"),
    uses=Payments,
    payload=Payload,
    run=run,
    is_internal=True,
    limits=Limits(attempts=6, max_duration=180, backoff=Backoff(minimum=5, maximum=600, factor=3), priority=24 * 3600),
)
