"""The event that a payment webhook reports."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Literal

from agenciaos_jobs.payments.policy.purchase import Purchase

Kind = Literal["transaction", "subscription", "webhook_deactivation"]


@dataclass(frozen=True)
class Customer:
    """The buyer. ``tracking`` holds every tracking parameter of the sale; ``email`` is in lower case."""

    id: str | None = None
    email: str | None = None
    name: str | None = None
    tracking: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaymentEvent:
    """A delivery that was understood.

    ``purchase_id`` identifies the purchase, ``facts`` is what the event reports about it. ``products`` are the names of
    the product, the most specific first. ``occurred_at`` is the newest moment in the body. ``event_id`` is equal for
    deliveries with equal content. ``amount`` is in reais.
    """

    kind: Kind
    id: str
    status: str
    occurred_at: datetime
    event_id: str = ""
    purchase_id: str = ""
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
    """Why a body could not be interpreted: a stable code, and an explanation."""

    code: str
    reason: str


def identified(event: PaymentEvent) -> PaymentEvent:
    """The event with its ``event_id``, which depends on its content alone.

    Stored events are recognised by it, also those of earlier releases, whose class of facts had another name.
    """
    before = (event.kind, event.purchase_id, event.status, event.occurred_at, event.products)
    facts = repr(event.facts).replace("Purchase(", "Contract(", 1)
    content = f"({', '.join(map(repr, before))}, {facts}, {event.detail!r})"
    digest = sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
    return replace(event, event_id=f"{event.kind}:{event.id}:{event.status}:{digest}")
