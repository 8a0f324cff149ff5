"""Histories of an agency's purchases, as Guru would tell them, and where each must end."""

import json
from datetime import UTC, datetime
from typing import Any

from agenciaos_jobs.payments.guru.reader import PAID, read
from agenciaos_jobs.payments.policy.event import PaymentEvent
from support.guru import PRODUCT, body

FREE = "FREE"
LATER = datetime(2027, 1, 10, tzinfo=UTC)


def event(content: dict[str, Any]) -> PaymentEvent:
    found = read(json.dumps(content).encode(), LATER)
    assert isinstance(found, PaymentEvent), found
    return found


def tx(
    status: str, at: str, *, cycle: int = 1, sale: str | None = None, product: str = PRODUCT, **more: Any
) -> PaymentEvent:
    """A transaction of a monthly plan, whose cycle n begins on the 20th."""
    paid_at = more.pop("paid_at", at if status in PAID else None)
    changes = {
        "id": sale or f"sale-{cycle}",
        "status": status,
        "dates__updated_at": at,
        "dates__canceled_at": None,
        "dates__confirmed_at": paid_at,
        "dates__created_at": at,
        "invoice__id": f"in_{cycle}",
        "invoice__cycle": cycle,
        "invoice__period_end": f"2026-{11 + cycle}-20" if cycle < 2 else "2027-01-20",
        "product__offer__id": product,
    }
    return event(body("tx_approved", **changes | more))


def sub(
    status: str, at: str, *, cycle: int = 1, product: str = PRODUCT, invoice: str = "paid", **more: Any
) -> PaymentEvent:
    changes = {
        "last_status": status,
        "dates__last_status_at": at,
        "dates__cycle_end_date": "2026-12-20" if cycle < 2 else "2027-01-20",
        "current_invoice__code": f"in_{cycle}",
        "current_invoice__cycle": cycle,
        "current_invoice__period_end": "2026-12-20" if cycle < 2 else "2027-01-20",
        "current_invoice__status": invoice,
        "current_invoice__created_at": None,
        "current_invoice__updated_at": None,
        "dates__started_at": "2026-11-20T13:00:00Z",
        "product__offer__id": product,
    }
    return event(body("sub_active", **changes | more))


D1, D2 = "2026-11-20T13:00:10Z", "2026-12-20T09:00:00Z"

BOUGHT = [tx("approved", D1), sub("active", D1)]

HISTORIES: dict[str, tuple[list[PaymentEvent], str, str]] = {
    "a purchase": (
        [
            sub("started", "2026-11-20T13:00:00Z"),
            tx("waiting_payment", "2026-11-20T13:00:05Z"),
            tx("approved", D1),
            sub("active", "2026-11-20T13:00:12Z"),
        ],
        "PRO",
        "active",
    ),
    "a renewal": ([*BOUGHT, tx("approved", D2, cycle=2), sub("active", D1, cycle=2)], "PRO", "active"),
    "a cancellation": ([*BOUGHT, sub("canceled", "2026-12-01T14:00:00Z")], FREE, "canceled"),
    "an expiry": ([*BOUGHT, sub("expired", D2)], FREE, "expired"),
    "inactivity": ([*BOUGHT, sub("inactive", D2)], FREE, "inactive"),
    "a refund": ([*BOUGHT, tx("refunded", "2026-11-24T10:00:00Z", paid_at=D1)], FREE, "refunded"),
    "a chargeback": ([*BOUGHT, tx("chargeback", "2026-12-04T10:00:00Z", paid_at=D1)], FREE, "chargeback"),
    "a dispute": ([*BOUGHT, tx("dispute", "2026-12-04T10:00:00Z", paid_at=D1)], FREE, "dispute"),
    "a dispute that was won": (
        [
            *BOUGHT,
            tx("dispute", "2026-12-04T10:00:00Z", paid_at=D1),
            tx("approved", "2026-12-09T10:00:00Z", paid_at=D1),
        ],
        "PRO",
        "active",
    ),
    "a dispute that was lost": (
        [
            tx("approved", D1),
            tx("dispute", "2026-12-04T10:00:00Z", paid_at=D1),
            tx("chargeback", "2026-12-09T10:00:00Z", paid_at=D1),
        ],
        FREE,
        "chargeback",
    ),
    "a sale undone after it was paid": (
        [tx("approved", D1), tx("canceled", "2026-11-24T10:00:00Z", paid_at=D1)],
        FREE,
        "canceled",
    ),
    "a refund of the first of two cycles": (
        [
            *BOUGHT,
            tx("approved", D2, cycle=2),
            sub("active", D2, cycle=2),
            tx("refunded", "2026-12-22T10:00:00Z", paid_at=D1),
        ],
        "PRO",
        "active",
    ),
    "a refund of the second of two cycles": (
        [
            *BOUGHT,
            tx("approved", D2, cycle=2),
            sub("active", D2, cycle=2),
            tx("refunded", "2026-12-22T10:00:00Z", cycle=2, paid_at=D2),
        ],
        FREE,
        "refunded",
    ),
    "one of two charges for a cycle refunded": (
        [
            tx("approved", D1),
            tx("approved", "2026-11-20T13:01:00Z", sale="twice"),
            tx("refunded", "2026-11-21T10:00:00Z", sale="twice", paid_at=D1),
        ],
        "PRO",
        "paid",
    ),
    "a late payment": (
        [
            *BOUGHT,
            tx("rejected", D2, cycle=2),
            sub("pastdue", D2, cycle=2, invoice="pastdue"),
            tx("approved", "2026-12-22T09:00:00Z", cycle=2),
            sub("active", "2026-12-22T09:00:01Z", cycle=2),
        ],
        "PRO",
        "active",
    ),
    "no payment": (
        [
            *BOUGHT,
            tx("rejected", D2, cycle=2),
            sub("pastdue", D2, cycle=2, invoice="pastdue"),
            sub("pastdue", "2026-12-21T09:00:00Z", cycle=2, invoice="pastdue"),
        ],
        FREE,
        "pastdue",
    ),
    "a scheduled end": ([*BOUGHT, sub("active", D1, cancel_at_cycle_end=1)], FREE, "cycle_ended"),
    "a trial that was paid for": (
        [sub("trial", "2026-11-13T13:00:00Z", cycle=0, invoice="", trial_finished_at="2026-11-20"), *BOUGHT],
        "PRO",
        "active",
    ),
    "a trial that nothing came of": (
        [sub("trial", "2026-11-13T13:00:00Z", cycle=0, invoice="", trial_finished_at="2026-11-20"), tx("rejected", D1)],
        FREE,
        "trial_ended",
    ),
    "an upgrade": (
        [
            tx("approved", D1, product="starter"),
            sub("active", D1, product="starter"),
            tx("approved", "2026-12-01T10:00:00Z", sale="up", invoice__id="in_up", invoice__type="upgrade"),
            sub("active", "2026-12-01T10:00:01Z", current_invoice__code="in_up", current_invoice__type="upgrade"),
        ],
        "PRO",
        "active",
    ),
    "a downgrade": (
        [
            *BOUGHT,
            tx("approved", "2026-12-01T10:00:00Z", sale="down", invoice__id="in_down", product="starter"),
            sub("active", "2026-12-01T10:00:01Z", current_invoice__code="in_down", product="starter"),
        ],
        FREE,
        "active",
    ),
    "a billet that expired before another was paid": (
        [
            tx("billet_printed", "2026-11-18T10:00:00Z", sale="b1"),
            tx("expired", "2026-11-19T10:00:00Z", sale="b1"),
            tx("approved", D1, sale="b2"),
        ],
        "PRO",
        "paid",
    ),
    "back after a cancellation": (
        [
            *BOUGHT,
            sub("canceled", "2026-12-01T14:00:00Z"),
            sub("started", "2026-12-05T10:00:00Z", cycle=2, invoice="waiting_payment"),
            tx("approved", "2026-12-05T10:00:05Z", cycle=2),
            sub("active", "2026-12-05T10:00:06Z", cycle=2),
        ],
        "PRO",
        "active",
    ),
    "started again but not paid": (
        [
            *BOUGHT,
            sub("canceled", "2026-12-01T14:00:00Z"),
            sub("started", "2026-12-05T10:00:00Z", cycle=2, invoice="waiting_payment"),
        ],
        FREE,
        "started",
    ),
    "completed and transferred": (
        [
            tx("approved", D1),
            tx("completed", "2026-12-01T10:00:00Z", paid_at=D1),
            tx("transferred", "2026-12-10T10:00:00Z", paid_at=D1),
        ],
        "PRO",
        "paid",
    ),
}
