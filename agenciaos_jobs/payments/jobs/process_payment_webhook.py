"""Applies the application's own payment event to an agency's plan."""

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import (
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Hooks, Job, Json, Limits
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.alerts import PAYMENT_UNMATCHED, not_understood, unlisted
from agenciaos_jobs.payments.effects import current_terms, keep, new_record, take_effect
from agenciaos_jobs.payments.policy.application import Report, interpret, open_question
from agenciaos_jobs.payments.policy.decision import Account, Action, Decision, decide
from agenciaos_jobs.payments.policy.entitlement import APPLICATION
from agenciaos_jobs.payments.policy.evaluation import evaluate
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=191)]


def _no_number(value: object) -> object:
    """Accepts only ISO 8601 text, because a bare number could be seconds or milliseconds."""
    if value is not None and not isinstance(value, str):
        raise PydanticCustomError("datetime_type", "expected a date and time in ISO 8601")
    return value


EXAMPLE: Json = {
    "event": "payment.approved",
    "customerId": "agency-123",
    "productId": "pro-monthly",
    "amount": 97.00,
    "status": "paid",
}


class Payload(BaseModel):
    """AgênciaOS's own, normalised payment event. ``customerId`` is the agency's id, ``amount`` is in ``currency``.

    ``customer.external_id`` or ``externalId`` may stand for ``customerId``. Without ``productId`` it is about the
    agency's last product, or the only one that is configured. Without ``currency`` the amount is in reais.
    """

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"title": "ProcessPaymentWebhook", "examples": [EXAMPLE]}
    )

    event: Name
    customerId: Name = Field(  # noqa: N815
        validation_alias=AliasChoices(
            "customerId", "externalId", AliasPath("customer", "external_id"), AliasPath("customer", "externalId")
        )
    )
    productId: Name | None = None  # noqa: N815
    amount: Annotated[Decimal, Field(max_digits=20, decimal_places=4)] | None = None
    currency: Annotated[str, StringConstraints(to_upper=True, pattern="^[A-Za-z]{3}$")] | None = None
    status: Name | None = None
    eventId: Name | None = None  # noqa: N815
    occurredAt: Annotated[AwareDatetime | None, BeforeValidator(_no_number)] = None  # noqa: N815


async def run(context: RunContext[Payments], payload: Payload) -> CommitWith:
    return CommitWith(partial(_apply, context=context, payload=payload))


async def _apply(connection: Connection, *, context: RunContext[Payments], payload: Payload) -> Json | GiveUp:
    """Decides and acts under the agency's lock, so that deliveries for one agency are serialised."""
    agency_id = payload.customerId
    await payments.lock_agency(connection, agency_id)
    account = await purchases.account(connection, agency_id)
    terms = await current_terms(connection, context.uses)
    report = _report(payload, account, terms)
    event = interpret(report, context.run.created_at)
    if account is None:
        reason = f"there is no agency {agency_id!r}"
        return await _reject(
            connection, context, event, Decision(Action.REJECTED, reason, None, None), "unknown_agency"
        )
    return await _join(connection, context, account, report, event, terms)


def _report(payload: Payload, account: Account | None, terms: Terms) -> Report:
    current = account.subscription if account else None
    last = current.product_id if current else None
    return Report(
        event=payload.event,
        agency_id=payload.customerId,
        status=payload.status,
        product=payload.productId or last or (next(iter(terms.products)) if len(terms.products) == 1 else None),
        amount=payload.amount,
        currency=payload.currency,
        occurred_at=payload.occurredAt,
        event_id=payload.eventId,
    )


async def _join(
    connection: Connection,
    context: RunContext[Payments],
    account: Account,
    report: Report,
    event: PaymentEvent,
    terms: Terms,
) -> Json | GiveUp:
    agency_id, now = report.agency_id, context.clock.now()
    decision = decide(account, event, APPLICATION, APPLICATION, now, terms)
    record = new_record(context, APPLICATION, context.run.payload, event)
    if report.event_id and await payments.is_decided(connection, APPLICATION, report.event_id):
        repeated = f"event {report.event_id!r} was processed before"
        decision = Decision(Action.DUPLICATE, repeated, account.plan, account.plan, code="duplicate")
        return await take_effect(connection, context, agency_id, decision, record)
    purchase = account.merge(event, APPLICATION, APPLICATION)
    await purchases.save(connection, APPLICATION, None, agency_id, purchase, now)
    is_unlisted = terms.product(event.products) is None
    if is_unlisted and evaluate(purchase.facts, now, account.terms(terms)).code == "unknown_product":
        return await _reject(connection, context, event, decision, "unknown_product", agency_id)
    raised = unlisted(APPLICATION, event) if is_unlisted and event.products else []
    if question := open_question(report, event, purchase.facts):
        raised = [*raised, *not_understood(APPLICATION, question, context.run.id)]
        decision = replace(decision, code=question.code, reason=f"{decision.reason}: {question.reason}")
    return await take_effect(connection, context, agency_id, decision, record, raised)


async def _reject(
    connection: Connection,
    context: RunContext[Payments],
    event: PaymentEvent,
    decision: Decision,
    code: str,
    agency_id: str | None = None,
) -> GiveUp:
    """Records an event that has no effect, raises an alert, and fails the run."""
    product = next(iter(event.products), None)
    reason = decision.reason if code == "unknown_agency" else f"PLAN_PRODUCTS has no product {product!r}"
    record = replace(
        new_record(context, APPLICATION, context.run.payload, event),
        action=Action.REJECTED,
        code=code,
        reason=reason,
        agency_id=agency_id,
        plan_before=decision.plan_before,
        plan_after=decision.plan_before,
    )
    details = {"code": code, "reason": reason, "product": product}
    subject = event.event_id or context.run.id
    await keep(connection, context, record, [AlertEvent(PAYMENT_UNMATCHED, APPLICATION, subject, details)])
    return GiveUp(code, reason)


JOB = Job(
    task="process-payment-webhook",
    names=("payment-webhook",),
    summary=Text("Aplica um pagamento ao plano da agência", "Applies a payment to the agency's plan"),
    uses=Payments,
    accepted=Text("Pagamento recebido", "Payment received"),
    payload=Payload,
    run=run,
    limits=Limits(attempts=3, max_duration=180, priority=24 * 3600),
    hooks=Hooks(agency=lambda payload: payload.customerId),
)
