"""Parser for Digital Manager Guru's webhooks (https://docs.digitalmanager.guru/developers), tolerant of variants."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.payments.guru.fields import (
    count,
    currency,
    end,
    first_text,
    moment,
    money,
    newest,
    part,
    text,
    word,
)
from agenciaos_jobs.payments.guru.parts import customer, products
from agenciaos_jobs.payments.guru.subscription import read_subscription
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent, identified
from agenciaos_jobs.payments.policy.purchase import Charge, Purchase, Snapshot

PAID = frozenset({"approved", "completed"})
REVERSED = frozenset({"refunded", "chargeback", "dispute"})
UNDONE = frozenset({"canceled", "expired"})
"""Ends of sales that were never paid."""

OPEN = frozenset(
    {"abandoned", "analysis", "billet_printed", "blocked", "charging", "delayed", "failed", "in_recovery", "pending"}
    | {"pending_transfer", "processing", "rejected", "scheduled", "started", "transferred", "trial", "waiting_payment"}
)
"""Statuses in which no money has moved."""

SALE_STATUSES = PAID | REVERSED | UNDONE | OPEN

UNREADABLE = "unreadable"
"""The field under which a body is stored as text, where it could not be stored as the JSON object it should be."""

SALE = "sale:"
"""What the id of a purchase begins with that is a single transaction."""


def read(body: bytes, received_at: datetime) -> PaymentEvent | NotUnderstood:
    """Parses a webhook's body, wrapped or not. Amounts become Decimals without passing through floats."""
    try:
        parsed = json.loads(body, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        return NotUnderstood("not_json", f"the body is not JSON: {type(error).__name__}")
    return read_object(unwrapped(parsed), received_at)


def read_stored(payload: Json, received_at: datetime) -> PaymentEvent | NotUnderstood:
    """The event of a webhook, from the payload of its run."""
    body = payload.get(UNREADABLE)
    return read(body.encode(), received_at) if isinstance(body, str) else read_object(unwrapped(payload), received_at)


def unwrapped(body: Any) -> Any:
    """The event, unwrapped from ``{"payload": {…}, "attempts": …, "request_id": …}`` if necessary."""
    inner = part(body, "payload")
    return inner if isinstance(inner, dict) and not text(part(body, "webhook_type")) else body


def read_object(body: Any, received_at: datetime) -> PaymentEvent | NotUnderstood:
    """Interprets a parsed body; fractional numbers may be Decimals or floats."""
    if not isinstance(body, dict):
        return NotUnderstood("not_an_object", "the body is no JSON object")
    match word(body.get("webhook_type")) or _guessed(body):
        case "transaction":
            return _transaction(body)
        case "subscription":
            return read_subscription(body)
        case "webhook_deactivation":
            return _deactivation(body, received_at)
        case other:
            return NotUnderstood("unknown_webhook_type", f"webhook_type is {other!r}")


def _guessed(body: dict[str, Any]) -> str:
    """The type of a body without ``webhook_type``, such as the REST API returns."""
    if text(body.get("last_status")) and first_text(body.get("subscription_code"), body.get("id")):
        return "subscription"
    return "transaction" if text(body.get("status")) and isinstance(body.get("payment"), dict) else ""


def _transaction(body: dict[str, Any]) -> PaymentEvent | NotUnderstood:
    sale, status, dates = text(body.get("id")), word(body.get("status")), part(body, "dates")
    at = newest(*(moment(part(dates, name)) for name in ("updated_at", "canceled_at", "confirmed_at", "created_at")))
    if sale is None:
        return NotUnderstood("missing_id", "the transaction has no id")
    if status not in SALE_STATUSES:
        return NotUnderstood("unknown_status", f"a transaction's status {status!r} is not known", status)
    if at is None:
        return NotUnderstood("missing_date", "the transaction names no moment")
    code = first_text(
        part(body, "subscription", "subscription_code"),
        part(body, "subscription", "id"),
        part(body, "subscription", "internal_id"),
    )
    charge = _charge(body, sale, status, at)
    facts = Purchase(charges=(charge,), was_paid=charge.was_paid) if charge else Purchase()
    if status == "trial" and code:
        facts = Purchase(snapshot=_trial(body, at))
    event = PaymentEvent(
        kind="transaction",
        id=sale,
        status=status,
        occurred_at=at,
        purchase_id=code or f"{SALE}{sale}",
        uuid=text(part(body, "subscription", "internal_id")),
        products=products(body),
        amount=_first_amount(part(body, "payment", "total"), part(body, "payment", "gross")),
        currency=currency(part(body, "payment", "currency")),
        customer=customer(body.get("contact"), body),
        facts=facts,
        period_end=end(part(body, "invoice", "period_end")),
        cycle=count(part(body, "invoice", "cycle")),
    )
    return identified(event)


def _first_amount(*values: Any) -> Decimal | None:
    """The first value that is an amount; zero is one, such as after a coupon of 100 %."""
    return next((amount for value in values if (amount := money(value)) is not None), None)


def _charge(body: dict[str, Any], sale: str, status: str, at: datetime) -> Charge | None:
    """The transaction as a charge; ``None`` while it is neither paid nor reversed."""
    confirmed_at = moment(part(body, "dates", "confirmed_at"))
    if status not in PAID | REVERSED | UNDONE:
        return None
    invoice = part(body, "invoice")
    return Charge(
        key=sale,
        invoice=first_text(part(invoice, "id"), part(invoice, "code")) or sale,
        cycle=count(part(invoice, "cycle")) or 0,
        products=products(body),
        period_end=end(part(invoice, "period_end")),
        paid=at if status in PAID else None,
        paid_at=confirmed_at or (at if status in PAID | REVERSED else None),
        reversed=None if status in PAID else at,
        reversed_as="" if status in PAID else status,
        was_paid=status in PAID | REVERSED or confirmed_at is not None,
    )


def _trial(body: dict[str, Any], at: datetime) -> Snapshot:
    ends = end(part(body, "subscription", "trial_finished_at"))
    return Snapshot(at, "trial", at, products=products(body), trial_end=ends)


def _deactivation(body: dict[str, Any], received_at: datetime) -> PaymentEvent:
    """Guru has disabled a webhook. The rest of the body is undocumented, so the event's detail holds all of it."""
    fields = {name: value for name, value in body.items() if name not in {"webhook_type", "api_token"}}
    detail = json.dumps(fields, ensure_ascii=True, default=str)[:2000]
    webhook = first_text(part(body, "webhook", "id"), body.get("webhook_id"), body.get("id"), body.get("url"))
    at = newest(moment(body.get("deactivated_at")), moment(body.get("created_at"))) or received_at
    event = PaymentEvent("webhook_deactivation", webhook or "webhook", "deactivated", at, detail=detail)
    return identified(event)
