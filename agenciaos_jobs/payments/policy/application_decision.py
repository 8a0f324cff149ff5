"""Decisions on the application's own payment events."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from agenciaos_jobs.engine.model.job import Json

FREE = "FREE"


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
class Payment:
    """A parsed delivery. ``raw`` is the body as received; ``event_id`` is the sender's, if any."""

    source: str
    event: str
    status: str
    customer_id: str
    product_id: str
    amount: Decimal
    occurred_at: datetime
    event_id: str | None
    raw: Json


@dataclass(frozen=True)
class Subscription:
    """The state of an agency's plan, and the event that caused it.

    ``source`` is ``guru``, or ``api`` for the application's own events. At ``due_at`` the plan changes by itself.
    """

    plan: str
    status: str
    product_id: str | None
    last_event_id: str | None
    last_event_at: datetime
    source: str = "api"
    code: str | None = None
    period_end: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """The effect of a delivery and its reason. ``subscription`` is the new one, or ``None`` if nothing changes."""

    action: Action
    reason: str
    plan_before: str | None
    plan_after: str | None
    subscription: Subscription | None = None
    code: str | None = None


ACTIVATING = frozenset({"approved", "paid"})
REVOKING = frozenset({"refunded", "chargeback", "canceled", "cancelled", "expired"})


def decide_payment(
    payment: Payment,
    *,
    current: Subscription | None,
    agency_plan: str | None,
    is_decided: bool,
    products: Mapping[str, str],
) -> Decision:
    """Decides on a delivery, given the agency's plan (``None``: no such agency) and its subscription.

    Either ``event`` or ``status`` may report a refund, chargeback, cancellation or expiry. Only ``status`` activates a
    plan, unless ``event`` contradicts it.
    """
    if agency_plan is None:
        return _rejected("unknown_agency", f"there is no agency {payment.customer_id!r}", None)
    if payment.product_id not in products:
        return _rejected("unknown_product", f"PLAN_PRODUCTS has no product {payment.product_id!r}", agency_plan)
    unchanged = Decision(Action.UNCHANGED, "", agency_plan, agency_plan)
    if is_decided:
        return replace(unchanged, action=Action.DUPLICATE, reason=f"event {payment.event_id!r} was processed before")
    if current and payment.occurred_at < current.last_event_at:
        return replace(
            unchanged, action=Action.OUTDATED, reason=f"older than the event of {current.last_event_at.isoformat()}"
        )
    words = {payment.status.strip().lower(), payment.event.strip().lower().rpartition(".")[2]}
    if revoking := words & REVOKING:
        return _applied(payment, Action.DEACTIVATED, sorted(revoking)[0], agency_plan, FREE)
    if payment.status.strip().lower() in ACTIVATING:
        return _applied(payment, Action.ACTIVATED, payment.status, agency_plan, products[payment.product_id])
    return replace(unchanged, reason=f"status {payment.status!r} changes no plan")


def _applied(payment: Payment, action: Action, status: str, before: str, after: str) -> Decision:
    subscription = Subscription(after, status, payment.product_id, payment.event_id, payment.occurred_at)
    change = f"plan {before} → {after}" if before != after else f"plan stays {after}"
    return Decision(action, f"{payment.event} ({payment.status}): {change}", before, after, subscription)


def _rejected(code: str, reason: str, plan: str | None) -> Decision:
    return Decision(Action.REJECTED, reason, plan, plan, code=code)
