"""What is known of one purchase, a subscription or a single sale, gathered from events in any order.

Events arrive late, twice and out of order, so nothing here depends on when one came: the same facts, joined in any
order any number of times, make the same contract. What the facts mean for a plan is read from them in entitlement.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")

ENDED = ("inactive", "expired", "canceled")
"""Subscription statuses after which a plan is over."""

SUBSCRIPTION_STATUSES = ("started", "trial", "active", "pastdue", *ENDED)
"""In the order of a subscription's life, which decides between two words of the same moment."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """A subscription at one moment.

    ``version`` is the newest moment its body names, ``status_at`` when the status began. ``ends_with_cycle``: it was
    cancelled, and runs until ``period_end``.
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

    @property
    def rank(self) -> tuple[Any, ...]:
        """A total order: of two snapshots the later word is the greater one."""
        return (
            self.version,
            self.cycle,
            SUBSCRIPTION_STATUSES.index(self.status),
            self.status_at,
            self.ends_with_cycle,
            self.period_end or _EPOCH,
            self.trial_end or _EPOCH,
            self.products,
            self.invoice or "",
        )


@dataclass(frozen=True)
class Charge:
    """A payment: a transaction, or an invoice that a subscription says is paid (``is_invoice``).

    ``paid`` and ``reversed`` are the newest moments at which it was said to be so, ``paid_at`` is when the money came.
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
    def stands(self) -> bool:
        """Whether it is paid, as far as is known; of two words of the same moment the cautious one counts."""
        return self.paid is not None and (self.reversed is None or self.paid > self.reversed)

    def joined(self, other: "Charge") -> "Charge":
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


@dataclass(frozen=True)
class Purchase:
    """The facts of one purchase.

    ``overdue`` holds for each unpaid invoice since when it is late; ``ended_at`` is the newest end of the subscription.
    """

    snapshot: Snapshot | None = None
    charges: tuple[Charge, ...] = ()
    overdue: tuple[tuple[str, datetime], ...] = ()
    ended_at: datetime | None = None
    was_paid: bool = False

    def joined(self, other: "Purchase") -> "Purchase":
        """Both contracts' facts."""
        snapshots = [one for one in (self.snapshot, other.snapshot) if one]
        charges = {charge.key: charge for charge in self.charges}
        for charge in other.charges:
            charges[charge.key] = charges[charge.key].joined(charge) if charge.key in charges else charge
        overdue = dict(self.overdue)
        for invoice, since in other.overdue:
            overdue[invoice] = min(since, overdue.get(invoice, since))
        return Purchase(
            snapshot=max(snapshots, key=lambda one: one.rank, default=None),
            charges=tuple(charges[key] for key in sorted(charges)),
            overdue=tuple(sorted(overdue.items())),
            ended_at=_latest(self.ended_at, other.ended_at),
            was_paid=self.was_paid or other.was_paid,
        )

    @property
    def as_of(self) -> datetime:
        """The newest moment that anything is known of."""
        moments = [self.snapshot.version] if self.snapshot else []
        moments += [moment for charge in self.charges for moment in (charge.paid, charge.reversed) if moment]
        return max(moments, default=_EPOCH)


@dataclass(frozen=True)
class Invoice:
    """What was paid for one invoice; a sale without an invoice is one of its own."""

    charges: tuple[Charge, ...]

    @property
    def transactions(self) -> list[Charge]:
        return [charge for charge in self.charges if not charge.is_invoice]

    @property
    def reversal(self) -> Charge | None:
        """The newest reversal of money that had come."""
        reversals = [charge for charge in self.transactions if charge.was_paid and charge.reversed]
        return max(reversals, key=lambda one: (one.reversed or _EPOCH, one.reversed_as), default=None)

    @property
    def stands(self) -> bool:
        if any(charge.stands for charge in self.transactions):
            return True
        reversal = self.reversal
        told = [charge.paid for charge in self.charges if charge.is_invoice and charge.paid]
        return any(reversal is None or reversal.reversed is None or paid > reversal.reversed for paid in told)

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


def invoices(contract: Purchase) -> list[Invoice]:
    """The invoices that were paid since the subscription last ended, oldest first."""
    grouped: dict[str, list[Charge]] = {}
    for charge in contract.charges:
        grouped.setdefault(charge.invoice, []).append(charge)
    found = [Invoice(tuple(charges)) for charges in grouped.values()]
    kept = [one for one in found if one.was_paid and (not contract.ended_at or one.paid_at > contract.ended_at)]
    return sorted(kept, key=lambda one: (one.cycle, one.paid_at, one.charges[0].invoice))


def join(facts: Iterable[Purchase]) -> Purchase:
    """All facts together."""
    whole = Purchase()
    for one in facts:
        whole = whole.joined(one)
    return whole


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
