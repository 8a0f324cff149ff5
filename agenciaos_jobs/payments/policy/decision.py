"""Decisions: from an agency's account and an event to the new plan and the reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agenciaos_jobs.payments.policy.entitlement import APPLICATION, OwnPurchase, entitlement
from agenciaos_jobs.payments.policy.evaluation import Entitlement
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.purchase import Purchase
from agenciaos_jobs.payments.policy.terms import Terms


class Action(StrEnum):
    """The effect of a delivery."""

    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    RENEWED = "renewed"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    OUTDATED = "outdated"
    REJECTED = "rejected"
    UNMATCHED = "unmatched"
    UNVERIFIED = "unverified"
    IGNORED = "ignored"
    ASSIGNED = "assigned"


@dataclass(frozen=True)
class Subscription:
    """The state of an agency's plan, and the event that caused it.

    ``source`` is a payment provider, or ``api`` for the application. At ``due_at`` it must be evaluated again.
    """

    plan: str
    status: str
    product_id: str | None
    last_event_id: str | None
    last_event_at: datetime
    source: str = APPLICATION
    code: str | None = None
    period_end: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """The effect of a delivery and its reason. ``subscription`` is the new one, or ``None`` if nothing changes.

    ``changes_at`` is when the plan changes even if no event arrives.
    """

    action: Action
    reason: str
    plan_before: str | None
    plan_after: str | None
    subscription: Subscription | None = None
    code: str | None = None
    changes_at: datetime | None = None


@dataclass(frozen=True)
class Account:
    """An agency's plan, subscription and purchases."""

    plan: str
    subscription: Subscription | None
    purchases: Mapping[str, OwnPurchase]

    def merge(self, event: PaymentEvent, purchase_id: str, source: str) -> OwnPurchase:
        """The purchase with the event's facts."""
        known = self.purchases.get(purchase_id, OwnPurchase(source, Purchase()))
        offers = Purchase(offers=((event.products, event.occurred_at),) if event.products else ())
        return OwnPurchase(known.source, known.facts.merge(event.facts).merge(offers))

    def terms(self, terms: Terms) -> Terms:
        """The terms for this agency: a product that gave its present plan counts even if it is no longer listed."""
        current = self.subscription
        if current is None or current.product_id is None or not terms.rank(current.plan):
            return terms
        return terms.with_products({current.product_id: current.plan})


def decide(
    account: Account, event: PaymentEvent, purchase_id: str, source: str, now: datetime, terms: Terms
) -> Decision:
    """Decides on an event of one of the agency's purchases, which may be a new one."""
    known, purchase = account.purchases.get(purchase_id), account.merge(event, purchase_id, source)
    given = entitlement({**account.purchases, purchase_id: purchase}, now, account.terms(terms))
    assert given
    words = f"{event.kind} ({event.status})" if source == APPLICATION else f"{event.kind} {event.status}"
    cause = words + (f", cycle {event.cycle}" if event.cycle else "")
    decision = _changed(account, given, cause, event.event_id, terms, next_at=now if given.is_silent else given.next_at)
    if decision.action is not Action.UNCHANGED:
        return decision
    if purchase == known:
        return _outdated(account, f"{cause}: nothing new", "nothing_new")
    if source == APPLICATION and known and event.occurred_at < known.facts.as_of:
        return _outdated(account, f"{cause}: older than the event of {known.facts.as_of.isoformat()}", "older")
    if given.source != source and APPLICATION in (given.source, source) and given.as_of > event.occurred_at:
        code = "older_than_application" if given.source == APPLICATION else "older_than_provider"
        return _outdated(account, f"{cause}: older than the event of {given.as_of.isoformat()}", code)
    return decision


def reevaluate(account: Account, now: datetime, terms: Terms) -> tuple[Decision, Entitlement] | None:
    """The effect of the time passed; ``None`` if the agency has bought nothing."""
    given = entitlement(account.purchases, now, account.terms(terms))
    event_id = account.subscription.last_event_id if account.subscription else None
    return (_changed(account, given, "time", event_id, terms, next_at=given.next_at), given) if given else None


def _outdated(account: Account, reason: str, code: str) -> Decision:
    return Decision(Action.OUTDATED, reason, account.plan, account.plan, code=code)


def _changed(
    account: Account, given: Entitlement, cause: str, event_id: str | None, terms: Terms, *, next_at: datetime | None
) -> Decision:
    before, current = account.plan, account.subscription
    has_given = current is not None and current.plan == before and given.code != "unknown_product"
    if not given.is_on and not given.was_bought and not has_given:
        reason = f"{cause}: {'the product has no plan' if given.code == 'unknown_product' else 'nothing was bought'}"
        return Decision(Action.UNCHANGED, reason, before, before, code=given.code)
    after = given.plan
    subscription = Subscription(
        plan=after,
        status=given.code,
        product_id=given.product,
        last_event_id=event_id,
        last_event_at=given.as_of,
        source=given.source,
        code=given.code,
        period_end=given.period_end,
        due_at=next_at,
    )
    change = f"plan {before} → {after}" if before != after else f"plan stays {after}"
    action = _action(before, current, given, terms)
    reason = f"{cause}: {change} ({given.code})"
    return Decision(action, reason, before, after, subscription, code=given.code, changes_at=given.due_at)


def _action(before: str, current: Subscription | None, given: Entitlement, terms: Terms) -> Action:
    """The name of the change: a higher plan is activated, and a lower one is what a deactivation leaves."""
    if before != given.plan:
        return Action.ACTIVATED if given.rank > terms.rank(before) else Action.DEACTIVATED
    known_end = current.period_end if current else None
    if given.is_on and known_end and given.period_end and given.period_end > known_end:
        return Action.RENEWED
    return Action.UNCHANGED
