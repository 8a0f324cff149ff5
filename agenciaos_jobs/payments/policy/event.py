"""The event that a payment webhook reports."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from agenciaos_jobs.payments.policy.purchase import Charge, Purchase, Snapshot

MAX_AHEAD = timedelta(days=1)
"""How far after its delivery an event may be dated, for clocks and time zones that are wrong."""


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

    ``kind`` is ``transaction``, ``subscription``, ``webhook_deactivation`` or the application's own name for the event.
    ``purchase_id`` identifies the purchase, ``facts`` is what the event reports about it. ``products`` are the names of
    the product, the most specific first. ``occurred_at`` is the newest moment in the body. ``event_id`` is equal for
    deliveries with equal content. ``amount`` is in ``currency``, which is BRL if ``None``. ``is_capped``: a date in the
    future was replaced by that of the delivery.
    """

    kind: str
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
    currency: str | None = None
    is_capped: bool = False


@dataclass(frozen=True)
class NotUnderstood:
    """Why a body could not be interpreted: a stable code, an explanation, and the unknown word if that is why."""

    code: str
    reason: str
    word: str | None = None


def identified(event: PaymentEvent) -> PaymentEvent:
    """The event with its ``event_id``, which depends on its content alone.

    Stored events are recognised by it, also those of earlier releases, whose class of facts had another name.
    """
    before = (event.kind, event.purchase_id, event.status, event.occurred_at, event.products)
    facts = repr(event.facts).replace("Purchase(", "Contract(", 1)
    content = f"({', '.join(map(repr, before))}, {facts}, {event.detail!r})"
    digest = sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
    return replace(event, event_id=f"{event.kind}:{event.id}:{event.status}:{digest}")


def capped(event: PaymentEvent, received_at: datetime) -> PaymentEvent:
    """The event with each date that lies more than :data:`MAX_AHEAD` after its delivery replaced by the delivery's.

    Otherwise such a date would make every later event look outdated. Ends of periods and trials are not affected.
    """

    def cap(moment: datetime) -> datetime:
        return received_at if moment > received_at + MAX_AHEAD else moment

    def of(moment: datetime | None) -> datetime | None:
        return cap(moment) if moment else None

    def of_snapshot(one: Snapshot | None) -> Snapshot | None:
        return replace(one, version=cap(one.version), status_at=cap(one.status_at)) if one else None

    def of_charge(one: Charge) -> Charge:
        return replace(one, paid=of(one.paid), paid_at=of(one.paid_at), reversed=of(one.reversed))

    facts = replace(
        event.facts,
        snapshot=of_snapshot(event.facts.snapshot),
        charges=tuple(map(of_charge, event.facts.charges)),
        overdue=tuple((invoice, cap(since)) for invoice, since in event.facts.overdue),
        ended_at=of(event.facts.ended_at),
        repeatable=of_snapshot(event.facts.repeatable),
    )
    occurred_at = cap(event.occurred_at)
    is_capped = occurred_at != event.occurred_at or facts != event.facts
    return replace(event, occurred_at=occurred_at, facts=facts, is_capped=is_capped)
