"""Applies a payment provider's webhook to an agency's plan: one job for each provider."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, GiveUp, Job, Json, Limits, RetryLater
from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.alerts import (
    PAYMENT_UNMATCHED,
    PAYMENT_UNVERIFIED,
    WEBHOOK_DEACTIVATED,
    moved,
    not_understood,
    unlisted,
)
from agenciaos_jobs.payments.effects import current_terms, keep, new_record, take_effect
from agenciaos_jobs.payments.ownership import Owner, owner_of
from agenciaos_jobs.payments.policy.decision import Account, Action, Decision, decide
from agenciaos_jobs.payments.policy.evaluation import evaluate
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.provider import Provider, read
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.upstream import upstream_of

NOT_CONFIRMED = "not_confirmed"

_CONFIRMATION_ATTEMPTS = 3

_WAIT_LIMIT = timedelta(minutes=30)
"""How long a confirmation waits for the provider's API before it is set aside, to be asked for again each hour."""


class Payload(BaseModel):
    """A webhook's body as received, without the provider's secrets."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"title": "ProcessProviderWebhook"})


@dataclass(frozen=True)
class Objection:
    """Why an event must not activate a plan."""

    action: Action
    code: str
    reason: str


@dataclass(frozen=True)
class Delivery:
    """A provider's event, and the run that processes it."""

    context: RunContext[Payments]
    source: str
    event: PaymentEvent
    payload: Json

    def decide(self, account: Account, owner: Owner, terms: Terms) -> Decision:
        return decide(account, self.event, owner.purchase_id, self.source, self.context.clock.now(), terms)


async def run(context: RunContext[Payments], _: Payload, *, source: str) -> CommitWith:
    provider, payload = context.uses.providers[source], context.run.payload
    event = read(provider, payload, context.run.created_at)
    record = new_record(context, source, payload, event)
    if isinstance(event, NotUnderstood):
        context.log.warning("payment_not_understood", code=event.code)
        return CommitWith(partial(keep, context=context, record=record, raised=not_understood(source, event)))
    if event.kind == "webhook_deactivation":
        reason = f"webhook {event.id} was disabled: {event.detail}"
        record = replace(record, code=event.kind, reason=reason)
        alert = AlertEvent(WEBHOOK_DEACTIVATED, source, event.id, {"reason": event.detail})
        return CommitWith(partial(keep, context=context, record=record, raised=[alert]))
    delivery = Delivery(context, source, event, payload)
    is_checked, objection = await _verify(delivery, provider)
    return CommitWith(partial(_apply, delivery=delivery, is_checked=is_checked, objection=objection))


async def _verify(delivery: Delivery, provider: Provider) -> tuple[bool, Objection | None]:
    """Confirms an event that would activate a plan. Returns whether it was checked, and any objection.

    Raises ``Snooze`` while the provider's limit is reached, or its API is down.
    """
    context, event = delivery.context, delivery.event
    if not provider.has_api:
        return True, None
    async with context.database.connection() as connection:
        owner = await owner_of(connection, event)
        account = await purchases.account(connection, owner.agency_id) if owner.agency_id else None
        terms = await current_terms(connection, context.uses)
    if account is None or delivery.decide(account, owner, terms).action is not Action.ACTIVATED:
        return False, None
    try:
        calls = context.uses.pacer.calls_of(context.run)
        upstream = upstream_of(provider, _WAIT_LIMIT)
        denial = await calls.call(upstream, lambda: provider.confirm(event, context.clock.now()))
    except (RetryLater, GiveUp) as error:
        if isinstance(error, RetryLater) and context.run.attempt < context.run.max_attempts:
            raise
        return True, Objection(Action.UNVERIFIED, error.code, f"{provider.label} could not be reached: {error}")
    attempts = min(_CONFIRMATION_ATTEMPTS, context.run.max_attempts)
    if denial and context.run.attempt < attempts:  # its API may be behind its webhooks
        raise RetryLater(NOT_CONFIRMED, denial)
    return True, Objection(Action.REJECTED, NOT_CONFIRMED, denial) if denial else None


async def _apply(connection: Connection, *, delivery: Delivery, is_checked: bool, objection: Objection | None) -> Json:
    """Decides and acts under the agency's lock, so that deliveries for one agency are serialised."""
    context, event = delivery.context, delivery.event
    await purchases.lock(connection, event.purchase_id)
    owner, terms = await owner_of(connection, event), await current_terms(connection, context.uses)
    account = None
    if owner.agency_id:
        await payments.lock_agency(connection, owner.agency_id)
        account = await purchases.account(connection, owner.agency_id)
    if owner.agency_id is None or account is None:
        unmatched = Objection(Action.UNMATCHED, "unmatched", owner.reason)
        return await _set_aside(connection, delivery, _unlisted(event, terms) or unmatched)
    await payments.name_agency(connection, context.run.id, owner.agency_id)
    decision = delivery.decide(account, owner, terms)
    if await payments.is_decided(connection, delivery.source, event.event_id):
        repeated = "an identical event was processed before"
        decision = Decision(Action.DUPLICATE, repeated, account.plan, account.plan, code="duplicate")
    if decision.action is Action.ACTIVATED and objection:
        return await _set_aside(connection, delivery, objection, owner.agency_id)
    if decision.action is Action.ACTIVATED and not is_checked:  # another event was applied in between
        raise RetryLater("plan_changed_meanwhile", "the plan has changed since the confirmation")
    if decision.action is Action.DUPLICATE:
        record = new_record(context, delivery.source, delivery.payload, event)
        return await take_effect(connection, context, owner.agency_id, decision, record)
    return await join(connection, delivery, account, owner, decision, terms)


async def join(
    connection: Connection, delivery: Delivery, account: Account, owner: Owner, decision: Decision, terms: Terms
) -> Json:
    """Merges the event into its purchase, and lets the decision take effect. Under the agency's lock.

    A purchase of no listed product has no effect, and waits for a person to list it; what is known of it is kept.
    """
    context, event = delivery.context, delivery.event
    assert owner.agency_id
    purchase = account.merge(event, owner.purchase_id, delivery.source)
    await purchases.save(connection, owner.purchase_id, event.uuid, owner.agency_id, purchase, context.clock.now())
    objection = _unlisted(event, terms)
    own_terms = account.terms(terms)
    if objection and evaluate(purchase.facts, context.clock.now(), own_terms).code == "unknown_product":
        return await _set_aside(connection, delivery, objection, owner.agency_id)
    raised = unlisted(delivery.source, event) if objection and event.products else []
    if owner.moved_to:
        raised += moved(owner.purchase_id, owner.agency_id, owner.moved_to)
    record = new_record(context, delivery.source, delivery.payload, event)
    return await take_effect(connection, context, owner.agency_id, decision, record, raised)


def _unlisted(event: PaymentEvent, terms: Terms) -> Objection | None:
    if terms.product(event.products):
        return None
    named = ", ".join(event.products) or "no product"
    return Objection(Action.REJECTED, "unknown_product", f"PLAN_PRODUCTS has none of {named}")


async def _set_aside(connection: Connection, delivery: Delivery, why: Objection, agency_id: str | None = None) -> Json:
    """Stores an event that has no effect, and raises an alert: once for each customer, however often it arrives."""
    context, event, source = delivery.context, delivery.event, delivery.source
    record = new_record(context, source, delivery.payload, event)
    record = replace(record, action=why.action, code=why.code, reason=why.reason, agency_id=agency_id)
    kind = PAYMENT_UNVERIFIED if why.action is Action.UNVERIFIED or why.code == NOT_CONFIRMED else PAYMENT_UNMATCHED
    details = {"code": why.code, "reason": why.reason, "product": next(iter(event.products), None)}
    alert = AlertEvent(kind, source, event.event_id, details)
    is_notified = await payments.was_notified(connection, record, of_customer=why.action is Action.UNMATCHED)
    return await keep(connection, context, record, [] if is_notified else [alert])


def job_of(provider: type[Provider]) -> Job[Payload]:
    """The job that processes the webhooks of a provider."""
    return Job(
        task=f"process-{provider.name}-webhook",
        summary=Text(
            f"Aplica um webhook ao plano da agência: {provider.label}",
            f"Applies a webhook to the agency's plan: {provider.label}",
        ),
        accepted=Text("Pagamento recebido", "Payment received"),
        uses=Payments,
        payload=Payload,
        run=partial(run, source=provider.name),
        is_internal=True,
        limits=Limits(
            attempts=6, max_duration=180, backoff=Backoff(minimum=5, maximum=600, factor=3), priority=24 * 3600
        ),
    )


JOBS = [job_of(provider) for provider in PROVIDERS]
