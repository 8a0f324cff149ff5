"""The state of one purchase, a subscription or a single sale, merged from events.

Events arrive late, twice and out of order. Therefore merge is commutative, associative and idempotent: the same facts,
in any order and any number of times, give the same purchase. entitlement.py derives the plan from it.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

ENDED = ("inactive", "expired", "canceled")
"""Subscription statuses that end a plan."""

SUBSCRIPTION_STATUSES = ("started", "trial", "active", "pastdue", *ENDED)
REVERSED = ("refunded", "dispute", "chargeback")
"""Ends of a purchase whose money went back, or may go back."""

_IN_ORDER = (*SUBSCRIPTION_STATUSES, *REVERSED)
"""In the order of a subscription's life, which breaks ties between two snapshots of the same moment."""

REPETITION = timedelta(days=1)
"""How long after a reversal an activation that cannot be identified may be the repetition of an earlier one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """A subscription at one moment.

    ``version`` is the newest moment in its body, ``status_at`` when the status began. ``ends_with_cycle``: it was
    cancelled, and runs until ``period_end``. ``paid_until`` is the end of the current invoice's period, if it is paid.
    """

    version: datetime
    status: str
    status_at: datetime
    cycle: int = 0
    invoice: str | None = None
    products: tuple[str, ...] = ()
    period_end: datetime | None = None
    trial_end: datetime | None = None
    ends_with_cycle: bool = False
    paid_until: datetime | None = field(default=None, repr=False)

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED or self.status in REVERSED

    @property
    def rank(self) -> tuple[Any, ...]:
        """The sort key of a total order, in which the newer snapshot is the greater."""
        return (
            self.version,
            self.cycle,
            _IN_ORDER.index(self.status),
            self.status_at,
            self.ends_with_cycle,
            self.period_end or _EPOCH,
            self.trial_end or _EPOCH,
            self.products,
            self.invoice or "",
            self.paid_until or _EPOCH,
        )


@dataclass(frozen=True)
class Charge:
    """A payment: a transaction, or an invoice that a subscription reports as paid (``is_invoice``).

    ``paid`` and ``reversed`` are the newest moments of such a report; ``paid_at`` is when the payment was made.
    """

    key: str
    invoice: str
    cycle: int = 0
    products: tuple[str, ...] = ()
    period_end: datetime | None = None
    paid: datetime | None = None
    paid_at: datetime | None = None
    reversed: datetime | None = None
    reversed_as: str = ""
    was_paid: bool = False
    is_invoice: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether it is paid and not reversed since; at the same moment the reversal wins."""
        return self.paid is not None and (self.reversed is None or self.paid > self.reversed)

    def merge(self, other: "Charge") -> "Charge":
        """The facts of both. Merge is commutative, associative and idempotent."""
        reversal = max((self.reversed or _EPOCH, self.reversed_as), (other.reversed or _EPOCH, other.reversed_as))
        described = max(self, other, key=lambda one: (one.cycle, one.invoice, one.period_end or _EPOCH, one.products))
        return replace(
            described,
            paid=_latest(self.paid, other.paid),
            paid_at=_latest(self.paid_at, other.paid_at),
            reversed=_latest(self.reversed, other.reversed),
            reversed_as=reversal[1],
            was_paid=self.was_paid or other.was_paid,
        )


Offer = tuple[tuple[str, ...], datetime]
"""The names of a product, the most specific first, and when it was last named."""


@dataclass(frozen=True)
class Purchase:
    """The facts of one purchase.

    ``snapshot`` is the newest one; ``repeatable`` is the newest activation that carried neither an id nor a date, so
    that it may be the repetition of an earlier one. ``overdue`` maps each unpaid invoice to the start of its delay;
    ``ended_at`` is the newest end of the subscription, and ``ended_as`` its status. ``offers`` are all products named.

    Fields without ``repr`` are not part of an event's id (see ``identified``).
    """

    snapshot: Snapshot | None = None
    charges: tuple[Charge, ...] = ()
    overdue: tuple[tuple[str, datetime], ...] = ()
    ended_at: datetime | None = None
    was_paid: bool = False
    ended_as: str = field(default="", repr=False)
    offers: tuple[Offer, ...] = field(default=(), repr=False)
    repeatable: Snapshot | None = field(default=None, repr=False)

    def merge(self, other: "Purchase") -> "Purchase":
        """The facts of both. Merge is commutative, associative and idempotent."""
        charges = {charge.key: charge for charge in self.charges}
        for charge in other.charges:
            charges[charge.key] = charges[charge.key].merge(charge) if charge.key in charges else charge
        overdue, offers = dict(self.overdue), dict(self.offers)
        for invoice, since in other.overdue:
            overdue[invoice] = min(since, overdue.get(invoice, since))
        for names, at in other.offers:
            offers[names] = max(at, offers.get(names, at))
        ends = [(one.ended_at, one.ended_as) for one in (self, other) if one.ended_at]
        ended_at, ended_as = max(ends, default=(None, ""))
        return Purchase(
            snapshot=_newest(self.snapshot, other.snapshot),
            charges=tuple(charges[key] for key in sorted(charges)),
            overdue=tuple(sorted(overdue.items())),
            ended_at=ended_at,
            was_paid=self.was_paid or other.was_paid,
            ended_as=ended_as,
            offers=tuple(sorted(offers.items())),
            repeatable=_newest(self.repeatable, other.repeatable),
        )

    @property
    def current(self) -> Snapshot | None:
        """The newest snapshot that counts: an activation that may be a repetition does not undo a recent reversal."""
        newest, given = _newest(self.snapshot, self.repeatable), self.snapshot
        if newest is None or given is None or newest is given:
            return newest
        is_recent = newest.version - given.version < REPETITION
        return given if given.status in REVERSED and is_recent else newest

    @property
    def as_of(self) -> datetime:
        """The newest moment of any fact that counts."""
        moments = [self.current.version] if self.current else []
        moments += [moment for charge in self.charges for moment in (charge.paid, charge.reversed) if moment]
        return max(moments, default=_EPOCH)


def _newest(*snapshots: Snapshot | None) -> Snapshot | None:
    return max((one for one in snapshots if one), key=lambda one: one.rank, default=None)


@dataclass(frozen=True)
class Invoice:
    """The charges of one invoice; a sale without an invoice counts as its own."""

    charges: tuple[Charge, ...]

    @property
    def transactions(self) -> list[Charge]:
        return [charge for charge in self.charges if not charge.is_invoice]

    @property
    def reversal(self) -> Charge | None:
        """The newest reversal of a charge that was paid."""
        reversals = [charge for charge in self.transactions if charge.was_paid and charge.reversed]
        return max(reversals, key=lambda one: (one.reversed or _EPOCH, one.reversed_as), default=None)

    @property
    def is_settled(self) -> bool:
        if any(charge.is_settled for charge in self.transactions):
            return True
        reversal = self.reversal
        reported = [charge.paid for charge in self.charges if charge.is_invoice and charge.paid]
        return any(reversal is None or reversal.reversed is None or paid > reversal.reversed for paid in reported)

    @property
    def was_paid(self) -> bool:
        return any(charge.was_paid for charge in self.charges)

    @property
    def paid_at(self) -> datetime:
        return max((charge.paid_at for charge in self.charges if charge.paid_at), default=_EPOCH)

    @property
    def cycle(self) -> int:
        return max(charge.cycle for charge in self.charges)

    @property
    def period_end(self) -> datetime | None:
        return max((charge.period_end for charge in self.charges if charge.period_end), default=None)

    @property
    def products(self) -> tuple[str, ...]:
        return max((charge.paid or _EPOCH, charge.products) for charge in self.charges)[1]


def invoices(purchase: Purchase) -> list[Invoice]:
    """The invoices paid since the subscription last ended, oldest first."""
    ended_at = purchase.ended_at
    return [one for one in all_invoices(purchase) if not ended_at or one.paid_at > ended_at]


def all_invoices(purchase: Purchase) -> list[Invoice]:
    """The invoices that were ever paid, oldest first."""
    grouped: dict[str, list[Charge]] = {}
    for charge in purchase.charges:
        grouped.setdefault(charge.invoice, []).append(charge)
    found = [Invoice(tuple(charges)) for charges in grouped.values()]
    kept = [one for one in found if one.was_paid]
    return sorted(kept, key=lambda one: (one.cycle, one.paid_at, one.charges[0].invoice))


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
