"""Decisions on Guru's events: from the account and an event to the new plan and the reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.payments.policy.application_decision import FREE, Action, Decision, Subscription
from agenciaos_jobs.payments.policy.entitlement import Entitlement, Terms, choose, evaluate
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.purchase import Purchase

SOURCE = "guru"


@dataclass(frozen=True)
class Account:
    """An agency's plan, subscription and purchases."""

    plan: str
    subscription: Subscription | None
    purchases: Mapping[str, Purchase]

    def merge(self, event: PaymentEvent, purchase_id: str) -> Purchase:
        """The purchase with the event's facts."""
        return self.purchases.get(purchase_id, Purchase()).merge(event.facts)


def decide_event(account: Account, event: PaymentEvent, purchase_id: str, now: datetime, terms: Terms) -> Decision:
    """Decides on the event. Its product must have a plan."""
    purchase = account.merge(event, purchase_id)
    entitlement = choose(evaluate(one, now, terms) for one in {**account.purchases, purchase_id: purchase}.values())
    assert entitlement
    cause = f"{event.kind} {event.status}" + (f", cycle {event.cycle}" if event.cycle else "")
    decision = _changed(account, entitlement, cause, event.event_id)
    if decision.action is Action.UNCHANGED and account.purchases.get(purchase_id) == purchase:
        return Decision(Action.OUTDATED, f"{cause}: nothing new", account.plan, account.plan, code="nothing_new")
    return decision


def reevaluate(account: Account, now: datetime, terms: Terms) -> Decision | None:
    """The effect of the time passed; ``None`` if the agency has bought nothing through Guru."""
    entitlement = choose(evaluate(one, now, terms) for one in account.purchases.values())
    current = account.subscription
    event_id = current.last_event_id if current else None
    return _changed(account, entitlement, "time", event_id) if entitlement else None


def _changed(account: Account, entitlement: Entitlement, cause: str, event_id: str | None) -> Decision:
    before, current = account.plan, account.subscription
    if current and current.source != SOURCE and current.last_event_at > entitlement.as_of:
        reason = f"{cause}: older than the application's own event of {current.last_event_at.isoformat()}"
        return Decision(Action.OUTDATED, reason, before, before, code="older_than_application")
    if not entitlement.is_on and not entitlement.was_bought and (current is None or current.plan == FREE):
        return Decision(Action.UNCHANGED, f"{cause}: nothing was bought", before, before, code=entitlement.code)
    after = entitlement.plan
    subscription = Subscription(
        plan=after,
        status=entitlement.code,
        product_id=entitlement.product,
        last_event_id=event_id,
        last_event_at=entitlement.as_of,
        source=SOURCE,
        code=entitlement.code,
        period_end=entitlement.period_end,
        due_at=entitlement.due_at,
    )
    change = f"plan {before} → {after}" if before != after else f"plan stays {after}"
    action = _action(before, after, current, entitlement)
    return Decision(
        action, f"{cause}: {change} ({entitlement.code})", before, after, subscription, code=entitlement.code
    )


def _action(before: str, after: str, current: Subscription | None, entitlement: Entitlement) -> Action:
    if before != after:
        return Action.DEACTIVATED if after == FREE else Action.ACTIVATED
    known_end = current.period_end if current else None
    if entitlement.is_on and known_end and entitlement.period_end and entitlement.period_end > known_end:
        return Action.RENEWED
    return Action.UNCHANGED
