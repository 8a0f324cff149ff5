"""Turns a webhook of Digital Manager Guru into an agency's plan."""

from dataclasses import dataclass, replace
from functools import partial

import orjson
from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.alerts.alert import Event, Kind
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunApp
from agenciaos_jobs.engine.model.job import Finish, GiveUp, Job, Json, RetryLater
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.payments.guru.confirmation import contradiction
from agenciaos_jobs.payments.guru.reader import read
from agenciaos_jobs.payments.ownership import Owner, whose
from agenciaos_jobs.payments.policy.application_decision import Action, Decision
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.policy.guru_decision import SOURCE, Account, decide
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.store.payments import NewRecord

FROM_GURU = "from-guru"
"""The tag of a run whose body was asked of Guru's REST API, which needs no confirmation by it."""

UNREADABLE = "unreadable"
"""The field that holds a body which is no JSON."""

NOT_CONFIRMED = "not_confirmed"

_DENIALS = 3


class Payload(BaseModel):
    """A webhook's body as it came, less the token."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"title": "ProcessGuruWebhook"})


@dataclass(frozen=True)
class Objection:
    """Why an event must not switch a plan on."""

    action: Action
    code: str
    reason: str


async def run(app: RunApp, _: Payload) -> Finish:
    event = read(_body(app.run.payload), app.run.created_at)
    if isinstance(event, NotUnderstood):
        app.log.warning("payment_not_understood", code=event.code)
        record = replace(_record(app, event), code=event.code, reason=event.reason)
        return Finish(partial(_keep, app=app, record=record))
    if event.kind == "webhook_deactivation":
        reason = f"Guru has switched webhook {event.id} off: {event.detail}"
        record = replace(_record(app, event), code=event.kind, reason=reason)
        alert = Event(Kind.WEBHOOK_DEACTIVATED, SOURCE, event.id, {"reason": event.detail})
        return Finish(partial(_keep, app=app, record=record, alert=alert))
    if app.rules.terms.product(event.products) is None:
        reason = f"PLAN_PRODUCTS has none of {', '.join(event.products) or 'no product'}"
        unknown = Objection(Action.REJECTED, "unknown_product", reason)
        return Finish(partial(_set_aside, app=app, event=event, why=unknown))
    is_checked, objection = await _verified(app, event)
    return Finish(partial(_apply, app=app, event=event, is_checked=is_checked, objection=objection))


def _body(payload: Json) -> bytes:
    unreadable = payload.get(UNREADABLE)
    return unreadable.encode() if isinstance(unreadable, str) else orjson.dumps(payload)


async def _verified(app: RunApp, event: PaymentEvent) -> tuple[bool, Objection | None]:
    """Asks Guru about an event that would switch a plan on: whether it was asked, and what speaks against the event."""
    if app.guru is None or FROM_GURU in app.run.tags:
        return True, None
    async with app.database.connection() as connection:
        owner = await whose(connection, event)
        account = await purchases.account(connection, owner.agency_id) if owner.agency_id else None
    if account is None or _decision(app, account, event, owner).action is not Action.ACTIVATED:
        return False, None
    try:
        answer = await (
            app.guru.transaction(event.id)
            if event.kind == "transaction"
            else app.guru.subscription(event.uuid or event.id)
        )
    except (RetryLater, GiveUp) as error:
        if isinstance(error, RetryLater) and app.run.attempt < app.run.max_attempts:
            raise
        return True, Objection(Action.UNVERIFIED, error.code, f"Guru could not be asked: {error}")
    denial = contradiction(event, answer, app.clock.now())
    if denial and app.run.attempt < min(_DENIALS, app.run.max_attempts):  # its API may be behind its webhooks
        raise RetryLater(NOT_CONFIRMED, denial)
    return True, Objection(Action.REJECTED, NOT_CONFIRMED, denial) if denial else None


async def _apply(
    connection: Connection, *, app: RunApp, event: PaymentEvent, is_checked: bool, objection: Objection | None
) -> Json:
    """Decides and acts under the agency's lock, so that deliveries for one agency take effect one after the other."""
    await purchases.lock(connection, event.contract)
    owner = await whose(connection, event)
    account = None
    if owner.agency_id:
        await payments.lock_agency(connection, owner.agency_id)
        account = await purchases.account(connection, owner.agency_id)
    if owner.agency_id is None or account is None:
        unmatched = Objection(Action.UNMATCHED, "unmatched", owner.reason)
        return await _set_aside(connection, app=app, event=event, why=unmatched)
    await payments.name_agency(connection, app.run.id, owner.agency_id)
    decision = _decision(app, account, event, owner)
    if FROM_GURU not in app.run.tags and await payments.is_decided(connection, SOURCE, event.event_id):
        decision = Decision(
            Action.DUPLICATE, "the same was said and dealt with before", account.plan, account.plan, code="duplicate"
        )
    if decision.action is Action.ACTIVATED and objection:
        return await _set_aside(connection, app=app, event=event, why=objection, agency_id=owner.agency_id)
    if decision.action is Action.ACTIVATED and not is_checked:  # another event came in between
        raise RetryLater("plan_changed_meanwhile", "the plan has changed since Guru was asked")
    if decision.action is not Action.DUPLICATE:
        facts = account.joined(event, owner.contract_id)
        await purchases.save(connection, owner.contract_id, event.uuid, owner.agency_id, facts, app.clock.now())
    return await _settle(connection, app, event, owner.agency_id, decision)


def _decision(app: RunApp, account: Account, event: PaymentEvent, owner: Owner) -> Decision:
    return decide(account, event, owner.contract_id, app.clock.now(), app.rules.terms)


async def _settle(connection: Connection, app: RunApp, event: PaymentEvent, agency_id: str, decision: Decision) -> Json:
    now, subscription = app.clock.now(), decision.subscription
    if subscription and decision.plan_after:
        await payments.save_subscription(connection, agency_id, subscription, now)
        await agencies.set_plan(connection, agency_id, decision.plan_after, now)
    record = replace(
        _record(app, event),
        action=decision.action,
        reason=decision.reason,
        code=decision.code,
        agency_id=agency_id,
        plan_before=decision.plan_before,
        plan_after=decision.plan_after,
        due_at=subscription.due_at if subscription else None,
    )
    return await _keep(connection, app=app, record=record)


async def _set_aside(
    connection: Connection, *, app: RunApp, event: PaymentEvent, why: Objection, agency_id: str | None = None
) -> Json:
    """Keeps an event that has no effect, and tells people: once for a customer, however often it comes."""
    record = replace(_record(app, event), action=why.action, code=why.code, reason=why.reason, agency_id=agency_id)
    kind = (
        Kind.PAYMENT_UNVERIFIED
        if why.action is Action.UNVERIFIED or why.code == NOT_CONFIRMED
        else Kind.PAYMENT_UNMATCHED
    )
    alert = Event(kind, SOURCE, event.event_id, {"code": why.code, "reason": why.reason})
    is_told = await payments.was_told(connection, record, of_customer=why.action is Action.UNMATCHED)
    return await _keep(connection, app=app, record=record, alert=None if is_told else alert)


async def _keep(connection: Connection, *, app: RunApp, record: NewRecord, alert: Event | None = None) -> Json:
    await payments.add(connection, record)
    if alert:
        await alerts.add(connection, [alert], app.clock)
        app.log.warning("payment_waits", kind=alert.kind, code=record.code, contract=record.contract_id)
    app.log.info("payment_decided", action=record.action, plan=record.plan_after, code=record.code)
    return {
        "success": True,
        "action": record.action,
        "code": record.code,
        "reason": record.reason,
        "agencyId": record.agency_id,
        "planBefore": record.plan_before,
        "planAfter": record.plan_after,
    }


def _record(app: RunApp, event: PaymentEvent | NotUnderstood) -> NewRecord:
    """What is known of a delivery before anything is decided."""
    now = app.clock.now()
    record = NewRecord(app.run.id, SOURCE, "unknown", app.run.created_at, now, Action.IGNORED, "", app.run.payload)
    if isinstance(event, NotUnderstood):
        return record
    return replace(
        record,
        event=event.kind,
        occurred_at=event.occurred_at,
        event_id=event.event_id,
        status=event.status,
        customer_id=event.customer.id or event.customer.email or event.contract or None,
        product_id=app.rules.terms.product(event.products) or next(iter(event.products), None),
        amount=event.amount,
        contract_id=event.contract or None,
        email=event.customer.email,
        cycle=event.cycle,
        period_end=event.period_end,
    )


JOB = Job(
    task="process-guru-webhook",
    summary="Aplica um webhook da Guru ao plano da agência / Applies Guru's webhook to the agency's plan",
    accepted={"pt": "Pagamento recebido", "en": "Payment received"},
    payload=Payload,
    run=run,
    attempts=6,
    max_duration=60,
    backoff=Backoff(minimum=5, maximum=600, factor=3),
    priority=24 * 3600,
    is_internal=True,
)
