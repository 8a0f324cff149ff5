"""Applies the application's own payment event to an agency's plan."""

from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Hooks, Job, Json, Limits
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.alerts import PAYMENT_UNMATCHED
from agenciaos_jobs.payments.policy.application_decision import Action, Decision, Payment, decide_payment
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments

SOURCE = "api"

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
    """AgênciaOS's own, normalised payment event. ``customerId`` is the agency's id, ``amount`` is in reais."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"title": "ProcessPaymentWebhook", "examples": [EXAMPLE]}
    )

    event: Name
    customerId: Name  # noqa: N815
    productId: Name  # noqa: N815
    amount: Annotated[Decimal, Field(max_digits=20, decimal_places=4)]
    status: Name
    eventId: Name | None = None  # noqa: N815
    occurredAt: Annotated[AwareDatetime | None, BeforeValidator(_no_number)] = None  # noqa: N815


async def run(context: RunContext[Payments], payload: Payload) -> CommitWith:
    payment = Payment(
        source=SOURCE,
        event=payload.event,
        status=payload.status,
        customer_id=payload.customerId,
        product_id=payload.productId,
        amount=payload.amount,
        occurred_at=payload.occurredAt or context.run.created_at,
        event_id=payload.eventId,
        raw=context.run.payload,
    )
    return CommitWith(partial(_apply, context=context, payment=payment))


async def _apply(connection: Connection, *, context: RunContext[Payments], payment: Payment) -> Json | GiveUp:
    """Decides and acts under the agency's lock, so that deliveries for one agency are serialised."""
    now, agency_id = context.clock.now(), payment.customer_id
    await payments.lock_agency(connection, agency_id)
    decision = await _decide(connection, context, payment)
    if decision.subscription and decision.plan_after:
        await payments.save_subscription(connection, agency_id, decision.subscription, now)
        await agencies.set_plan(connection, agency_id, decision.plan_after, now)
    known_agency = None if decision.code == "unknown_agency" else agency_id
    await payments.record_event(connection, context.run.id, payment, decision, known_agency, now)
    context.log.info("payment_decided", action=decision.action, plan=decision.plan_after)
    if decision.action is Action.REJECTED:
        subject = payment.event_id or context.run.id
        context.uses.alerts.record(
            PAYMENT_UNMATCHED, SOURCE, subject=subject, code=decision.code, reason=decision.reason
        )
        return GiveUp(decision.code or "rejected", decision.reason)
    return {
        "success": True,
        "action": decision.action,
        "reason": decision.reason,
        "planBefore": decision.plan_before,
        "planAfter": decision.plan_after,
    }


async def _decide(connection: Connection, context: RunContext[Payments], payment: Payment) -> Decision:
    seen = payment.event_id and await payments.is_decided(connection, payment.source, payment.event_id)
    return decide_payment(
        payment,
        current=await payments.subscription(connection, payment.customer_id),
        agency_plan=await agencies.plan(connection, payment.customer_id),
        is_decided=bool(seen),
        products=context.uses.plan_products,
    )


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
