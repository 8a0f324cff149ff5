"""Guru's subscriptions: a body becomes the snapshot of a purchase."""

from datetime import datetime
from typing import Any

from agenciaos_jobs.payments.guru.fields import (
    count,
    currency,
    end,
    first_text,
    flag,
    moment,
    money,
    newest,
    part,
    text,
    word,
)
from agenciaos_jobs.payments.guru.parts import customer, products
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent, identified
from agenciaos_jobs.payments.policy.purchase import ENDED, SUBSCRIPTION_STATUSES, Charge, Purchase, Snapshot


def read_subscription(body: dict[str, Any]) -> PaymentEvent | NotUnderstood:
    code = first_text(body.get("subscription_code"), body.get("id"), body.get("internal_id"))
    snapshot = _snapshot(body)
    if code is None:
        return NotUnderstood("missing_id", "the subscription has no id")
    if isinstance(snapshot, NotUnderstood):
        return snapshot
    event = PaymentEvent(
        kind="subscription",
        id=code,
        status=snapshot.status,
        occurred_at=snapshot.version,
        purchase_id=code,
        uuid=first_text(body.get("internal_id"), None if text(body.get("id")) == code else body.get("id")),
        products=snapshot.products,
        amount=money(part(body, "current_invoice", "value")),
        currency=currency(part(body, "last_transaction", "payment", "currency")),
        customer=customer(body.get("subscriber") or body.get("contact"), part(body, "last_transaction"), body),
        facts=_facts(body, snapshot),
        period_end=snapshot.period_end,
        cycle=snapshot.cycle or None,
    )
    return identified(event)


def _snapshot(body: dict[str, Any]) -> Snapshot | NotUnderstood:
    status, dates, invoice = word(body.get("last_status")), part(body, "dates"), part(body, "current_invoice")
    status_at = moment(part(dates, "last_status_at")) or moment(body.get("last_status_at"))
    named = (
        part(dates, "updated_at"),
        body.get("updated_at"),
        part(invoice, "created_at"),
        part(invoice, "updated_at"),
    )
    version = newest(status_at, moment(part(dates, "started_at")), *map(moment, named))
    if status not in SUBSCRIPTION_STATUSES:
        return NotUnderstood("unknown_status", f"a subscription's status {status!r} is not known", status)
    if version is None:
        return NotUnderstood("missing_date", "the subscription names no moment")
    return Snapshot(
        version=version,
        status=status,
        status_at=status_at or version,
        cycle=count(part(invoice, "cycle")) or 0,
        invoice=first_text(part(invoice, "code"), part(invoice, "id")),
        products=products(body),
        period_end=end(part(dates, "cycle_end_date")) or end(part(invoice, "period_end")),
        trial_end=end(body.get("trial_finished_at")),
        ends_with_cycle=flag(body.get("cancel_at_cycle_end")),
        paid_until=_paid_until(body) if status == "canceled" else None,
    )


def _paid_until(body: dict[str, Any]) -> datetime | None:
    """The end of the current invoice's period, if that invoice is paid."""
    invoice = part(body, "current_invoice")
    if word(part(invoice, "status")) != "paid":
        return None
    return end(part(invoice, "period_end")) or end(part(body, "dates", "cycle_end_date"))


def _facts(body: dict[str, Any], snapshot: Snapshot) -> Purchase:
    is_paid = word(part(body, "current_invoice", "status")) == "paid" and snapshot.status == "active"
    charges: tuple[Charge, ...] = ()
    if is_paid and snapshot.invoice:
        charge = Charge(
            key=f"invoice:{snapshot.invoice}",
            invoice=snapshot.invoice,
            cycle=snapshot.cycle,
            products=snapshot.products,
            period_end=end(part(body, "current_invoice", "period_end")) or snapshot.period_end,
            paid=snapshot.status_at,
            paid_at=snapshot.status_at,
            was_paid=True,
            is_invoice=True,
        )
        charges = (charge,)
    is_late = snapshot.status == "pastdue"
    return Purchase(
        snapshot=snapshot,
        charges=charges,
        overdue=((snapshot.invoice or "", snapshot.status_at),) if is_late else (),
        ended_at=snapshot.status_at if snapshot.status in ENDED else None,
        ended_as=snapshot.status if snapshot.status in ENDED else "",
        was_paid=snapshot.status == "active" or (count(body.get("charged_times")) or 0) > 0,
    )
