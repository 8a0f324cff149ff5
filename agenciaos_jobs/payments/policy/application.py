"""The application's own payment events: from their words to facts of a purchase."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from agenciaos_jobs.payments.policy.decision import Subscription
from agenciaos_jobs.payments.policy.entitlement import APPLICATION
from agenciaos_jobs.payments.policy.event import Customer, NotUnderstood, PaymentEvent, capped
from agenciaos_jobs.payments.policy.purchase import Purchase, Snapshot
from agenciaos_jobs.payments.policy.vocabulary import Meaning, meaning_of, most_cautious

_ENDS = frozenset({Meaning.CHARGEBACK, Meaning.DISPUTE, Meaning.REFUNDED, Meaning.EXPIRED, Meaning.CANCELED})


@dataclass(frozen=True)
class Report:
    """A parsed event of the application. ``amount`` is in ``currency``, which is BRL if ``None``.

    ``occurred_at`` and ``event_id`` are the sender's, if it gave any.
    """

    event: str
    agency_id: str
    status: str | None = None
    product: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    occurred_at: datetime | None = None
    event_id: str | None = None


def interpret(report: Report, received_at: datetime) -> PaymentEvent:
    """The report as an event. Its facts are empty if it changes nothing."""
    at = report.occurred_at or received_at
    is_anonymous = report.event_id is None and report.occurred_at is None
    meaning = _meaning(report)
    event = PaymentEvent(
        kind=report.event,
        id=report.event_id or "",
        status=report.status or "",
        occurred_at=at,
        event_id=report.event_id or "",
        purchase_id=APPLICATION,
        products=(report.product,) if report.product else (),
        amount=report.amount,
        customer=Customer(id=report.agency_id),
        facts=Purchase() if isinstance(meaning, NotUnderstood) else _facts(meaning, at, report, is_anonymous),
        currency=report.currency,
    )
    return capped(event, received_at)


def open_question(report: Report, event: PaymentEvent, known: Purchase) -> NotUnderstood | None:
    """What a person must find out about a report that is part of the known facts; ``None`` if it is clear."""
    meaning, may_repeat = _meaning(report), event.facts.repeatable
    if isinstance(meaning, NotUnderstood):
        return meaning
    if may_repeat and may_repeat == known.repeatable and may_repeat != known.current:
        text = f"{report.event} without eventId and occurredAt, within a day of a reversal"
        return NotUnderstood("maybe_repeated", text)
    return None


def facts_of(subscription: Subscription) -> Purchase:
    """The facts behind a subscription that an earlier release stored for an event of the application."""
    report = Report(
        event=subscription.status,
        agency_id="",
        product=subscription.product_id,
        occurred_at=subscription.last_event_at,
        event_id=subscription.last_event_id,
    )
    event = interpret(report, subscription.last_event_at)
    return event.facts.merge(Purchase(offers=((event.products, event.occurred_at),) if event.products else ()))


def _meaning(report: Report) -> Meaning | NotUnderstood:
    """The joint meaning of ``event`` and ``status``: either may end a plan, and only both activate one."""
    words = [word for word in (report.event, report.status) if word and word.strip()]
    known = [meaning for word in words if (meaning := meaning_of(word))]
    meaning = most_cautious(*known) if known else Meaning.NEUTRAL
    if meaning in _ENDS:
        return meaning
    if len(known) < len(words):
        unknown = next(word for word in words if meaning_of(word) is None)
        return NotUnderstood("unknown_word", f"{unknown!r} is not a known event or status", unknown)
    if meaning is Meaning.PAID and report.amount is not None and report.amount < 0:
        return NotUnderstood("negative_amount", f"{report.event} with an amount of {report.amount}")
    return meaning


def _facts(meaning: Meaning, at: datetime, report: Report, is_anonymous: bool) -> Purchase:
    products = (report.product,) if report.product else ()
    snapshot = Snapshot(at, "active", at, products=products)
    if meaning is Meaning.PAID:
        if is_anonymous:
            return Purchase(repeatable=snapshot, was_paid=True)
        return Purchase(snapshot=snapshot, was_paid=True)
    if meaning is Meaning.PASTDUE:
        month = at.strftime("%Y-%m")  # reminders within a month do not prolong the grace
        return Purchase(snapshot=replace(snapshot, status="pastdue", invoice=month), overdue=((month, at),))
    if meaning in _ENDS:
        return Purchase(
            snapshot=replace(snapshot, status=meaning.value), ended_at=at, ended_as=meaning.value, was_paid=True
        )
    return Purchase()
