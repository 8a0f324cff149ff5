"""What the facts of an agency's purchases mean for its plan."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agenciaos_jobs.payments.policy.application_decision import FREE
from agenciaos_jobs.payments.policy.purchase import ENDED, Invoice, Purchase, Snapshot, invoices


@dataclass(frozen=True)
class Terms:
    """The business's rules: the plan that each product buys, and how long an unpaid plan is kept."""

    products: Mapping[str, str]
    grace: timedelta

    def product(self, candidates: Iterable[str]) -> str | None:
        """The first of a product's names that a plan is known for."""
        return next((name for name in candidates if name in self.products), None)


@dataclass(frozen=True)
class Entitlement:
    """A plan, with the reason's stable code.

    ``due_at`` is when it changes although nothing more arrives. ``was_bought``: money has come for it at some time, or
    it has ended; without that the verdict takes no plan back that somebody else gave.
    """

    plan: str
    code: str
    as_of: datetime
    product: str | None = None
    period_end: datetime | None = None
    due_at: datetime | None = None
    was_bought: bool = True

    @property
    def is_on(self) -> bool:
        return self.plan != FREE


def evaluate(contract: Purchase, now: datetime, terms: Terms) -> Entitlement:
    """The plan that one purchase gives at a moment."""
    case = _Case(contract, now, terms)
    paid, snapshot = case.paid, contract.snapshot
    if snapshot and snapshot.status in ENDED and not (paid and paid.stands):
        return case.off(snapshot.status)
    if paid and not paid.stands and not case.is_settled_since(paid):
        return _after_reversal(case, paid)
    if snapshot is None or snapshot.status in ENDED:
        return case.on("paid") if paid else case.off("not_paid")
    return _by_status(case, snapshot)


def best(verdicts: Iterable[Entitlement]) -> Entitlement | None:
    """An agency's plan out of all its purchases: one that is on wins, then the newest word."""
    found = sorted(verdicts, key=lambda one: (one.is_on, one.due_at is None, one.as_of, one.code))
    if not found:
        return None
    dues = [one.due_at for one in found if one.due_at]
    return replace(found[-1], due_at=min(dues, default=None), was_bought=any(one.was_bought for one in found))


def _by_status(case: "_Case", snapshot: Snapshot) -> Entitlement:
    is_paid_since = case.paid is not None and case.paid.stands and case.paid.paid_at > snapshot.status_at
    match snapshot.status:
        case "active":
            return _active(case, snapshot)
        case "pastdue":
            has_paid_it = case.paid is not None and case.paid.stands and case.is_of(case.paid, snapshot)
            return case.on("paid") if is_paid_since or has_paid_it else _pastdue(case, snapshot)
        case "trial":
            return case.on("paid") if is_paid_since else _trial(case, snapshot)
    return case.on("paid") if case.paid else case.off(snapshot.status)


def _active(case: "_Case", snapshot: Snapshot) -> Entitlement:
    is_renewed = case.paid is not None and case.paid.cycle > snapshot.cycle
    if not snapshot.ends_with_cycle or snapshot.period_end is None or is_renewed:
        return case.on("active")
    return case.until(snapshot.period_end, "ends_with_cycle", "cycle_ended")


def _pastdue(case: "_Case", snapshot: Snapshot) -> Entitlement:
    if not case.contract.was_paid:
        return case.off("pastdue")
    since = dict(case.contract.overdue).get(snapshot.invoice or "", snapshot.status_at)
    return case.until(since + case.terms.grace, "pastdue_grace", "pastdue")


def _trial(case: "_Case", snapshot: Snapshot) -> Entitlement:
    if snapshot.trial_end is None:
        return case.on("trial")
    return case.until(snapshot.trial_end + case.terms.grace, "trial", "trial_ended")


def _after_reversal(case: "_Case", paid: Invoice) -> Entitlement:
    """The newest payment is gone: an earlier one may still cover the present."""
    assert paid.reversal
    ends = [one.period_end for one in invoices(case.contract) if one.stands and one.period_end]
    covered_until = max(ends, default=None)
    if covered_until is None or covered_until <= case.now:
        return case.off(paid.reversal.reversed_as)
    return case.until(covered_until, "earlier_payment", paid.reversal.reversed_as)


@dataclass(frozen=True)
class _Case:
    contract: Purchase
    now: datetime
    terms: Terms

    @property
    def paid(self) -> Invoice | None:
        """The newest invoice that was ever paid, whether or not the money went back."""
        return next(reversed(invoices(self.contract)), None)

    def is_settled_since(self, paid: Invoice) -> bool:
        """Whether the subscription became active after the money went back."""
        snapshot, reversal = self.contract.snapshot, paid.reversal
        if snapshot is None or reversal is None or reversal.reversed is None:
            return reversal is None
        return snapshot.status == "active" and snapshot.status_at > reversal.reversed

    def is_of(self, paid: Invoice, snapshot: Snapshot) -> bool:
        return any(charge.invoice == snapshot.invoice for charge in paid.charges)

    def on(self, code: str) -> Entitlement:
        names, period_end = self._bought()
        product = self.terms.product(names)
        if product is None:
            return self.off("unknown_product")
        return Entitlement(self.terms.products[product], code, self.contract.as_of, product, period_end)

    def off(self, code: str) -> Entitlement:
        names, period_end = self._bought()
        was_bought = self.contract.was_paid or self.contract.ended_at is not None
        product = self.terms.product(names)
        return Entitlement(FREE, code, self.contract.as_of, product, period_end, was_bought=was_bought)

    def until(self, end: datetime, code: str, code_after: str) -> Entitlement:
        if self.now >= end:
            return self.off(code_after)
        verdict = self.on(code)
        return replace(verdict, due_at=end) if verdict.is_on else verdict

    def _bought(self) -> tuple[tuple[str, ...], datetime | None]:
        """Which product, and until when: by the newest word on either."""
        snapshot = self.contract.snapshot
        standing = [one for one in invoices(self.contract) if one.stands]
        paid = standing[-1] if standing else None
        if snapshot and not (paid and paid.products and paid.paid_at > snapshot.version):
            ends = [end for end in (snapshot.period_end, paid.period_end if paid else None) if end]
            return snapshot.products or (paid.products if paid else ()), max(ends, default=None)
        return (paid.products, paid.period_end) if paid else ((), None)
