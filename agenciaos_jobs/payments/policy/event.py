"""A payment webhook that was understood."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Literal

from agenciaos_jobs.payments.policy.purchase import Purchase

Kind = Literal["transaction", "subscription", "webhook_deactivation"]


@dataclass(frozen=True)
class Customer:
    """Who bought. ``tracking`` holds every tracking parameter that came with the sale; ``email`` is folded."""

    id: str | None = None
    email: str | None = None
    name: str | None = None
    tracking: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaymentEvent:
    """A delivery that was understood.

    ``contract`` names the purchase it is about, ``facts`` is what it says of it. ``products`` are the names the product
    goes by, the most specific first. ``occurred_at`` is the newest moment that the body names, ``event_id`` the same
    for every delivery that says the same. ``amount`` is in reais.
    """

    kind: Kind
    id: str
    status: str
    occurred_at: datetime
    event_id: str = ""
    contract: str = ""
    uuid: str | None = None
    products: tuple[str, ...] = ()
    amount: Decimal | None = None
    customer: Customer = field(default_factory=Customer)
    facts: Purchase = field(default_factory=Purchase)
    period_end: datetime | None = None
    cycle: int | None = None
    detail: str | None = None


@dataclass(frozen=True)
class NotUnderstood:
    """Why a body is none that anything follows from: a stable code, and words."""

    code: str
    reason: str


def identified(event: PaymentEvent) -> PaymentEvent:
    """The event with the id that every delivery saying the same gets."""
    told = (event.kind, event.contract, event.status, event.occurred_at, event.products, event.facts, event.detail)
    digest = sha256(repr(told).encode("utf-8", "replace")).hexdigest()[:16]
    event_id = f"{event.kind}:{event.id}:{event.status}:{digest}"
    return replace(event, event_id=event_id)
