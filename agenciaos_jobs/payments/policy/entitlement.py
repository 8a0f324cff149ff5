"""Entitlements: the plan that an agency's purchases give it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agenciaos_jobs.payments.policy.application_decision import FREE
from agenciaos_jobs.payments.policy.purchase import ENDED, Invoice, Purchase, Snapshot, invoices


@dataclass(frozen=True)
class Terms:
    """The business rules: the plan of each product, and how long an unpaid plan is kept."""

    products: Mapping[str, str]
    grace: timedelta

    def product(self, candidates: Iterable[str]) -> str | None:
        """The first of a product's names that has a plan."""
        return next((name for name in candidates if name in self.products), None)


@dataclass(frozen=True)
class Entitlement:
    """A plan, with a stable code for the reason.

    ``due_at`` is when it changes even if no event arrives. ``was_bought``: it was paid at some time, or it has ended;
    otherwise the entitlement revokes no plan that came from another source.
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


def evaluate(purchase: Purchase, now: datetime, terms: Terms) -> Entitlement:
    """The entitlement that one purchase gives at a moment."""
    evaluation = _Evaluation(purchase, now, terms)
    paid, snapshot = evaluation.paid, purchase.snapshot
    if snapshot and snapshot.status in ENDED and not (paid and paid.is_settled):
        return evaluation.off(snapshot.status)
    if paid and not paid.is_settled and not evaluation.is_reactivated_since(paid):
        return _after_reversal(evaluation, paid)
    if snapshot is None or snapshot.status in ENDED:
        return evaluation.on("paid") if paid else evaluation.off("not_paid")
    return _by_status(evaluation, snapshot)


def choose(entitlements: Iterable[Entitlement]) -> Entitlement | None:
    """An agency's entitlement from all its purchases: an active one wins, then the newest."""
    found = sorted(entitlements, key=lambda one: (one.is_on, one.due_at is None, one.as_of, one.code))
    if not found:
        return None
    dues = [one.due_at for one in found if one.due_at]
    return replace(found[-1], due_at=min(dues, default=None), was_bought=any(one.was_bought for one in found))


def _by_status(evaluation: "_Evaluation", snapshot: Snapshot) -> Entitlement:
    is_paid_since = (
        evaluation.paid is not None and evaluation.paid.is_settled and evaluation.paid.paid_at > snapshot.status_at
    )
    match snapshot.status:
        case "active":
            return _active(evaluation, snapshot)
        case "pastdue":
            has_paid_it = (
                evaluation.paid is not None
                and evaluation.paid.is_settled
                and evaluation.is_of(evaluation.paid, snapshot)
            )
            return evaluation.on("paid") if is_paid_since or has_paid_it else _pastdue(evaluation, snapshot)
        case "trial":
            return evaluation.on("paid") if is_paid_since else _trial(evaluation, snapshot)
    return evaluation.on("paid") if evaluation.paid else evaluation.off(snapshot.status)


def _active(evaluation: "_Evaluation", snapshot: Snapshot) -> Entitlement:
    is_renewed = evaluation.paid is not None and evaluation.paid.cycle > snapshot.cycle
    if not snapshot.ends_with_cycle or snapshot.period_end is None or is_renewed:
        return evaluation.on("active")
    return evaluation.until(snapshot.period_end, "ends_with_cycle", "cycle_ended")


def _pastdue(evaluation: "_Evaluation", snapshot: Snapshot) -> Entitlement:
    if not evaluation.purchase.was_paid:
        return evaluation.off("pastdue")
    since = dict(evaluation.purchase.overdue).get(snapshot.invoice or "", snapshot.status_at)
    return evaluation.until(since + evaluation.terms.grace, "pastdue_grace", "pastdue")


def _trial(evaluation: "_Evaluation", snapshot: Snapshot) -> Entitlement:
    if snapshot.trial_end is None:
        return evaluation.on("trial")
    return evaluation.until(snapshot.trial_end + evaluation.terms.grace, "trial", "trial_ended")


def _after_reversal(evaluation: "_Evaluation", paid: Invoice) -> Entitlement:
    """The newest payment was reversed; an earlier one may still cover the present."""
    assert paid.reversal
    ends = [one.period_end for one in invoices(evaluation.purchase) if one.is_settled and one.period_end]
    covered_until = max(ends, default=None)
    if covered_until is None or covered_until <= evaluation.now:
        return evaluation.off(paid.reversal.reversed_as)
    return evaluation.until(covered_until, "earlier_payment", paid.reversal.reversed_as)


@dataclass(frozen=True)
class _Evaluation:
    purchase: Purchase
    now: datetime
    terms: Terms

    @property
    def paid(self) -> Invoice | None:
        """The newest invoice that was ever paid, even if it was reversed later."""
        return next(reversed(invoices(self.purchase)), None)

    def is_reactivated_since(self, paid: Invoice) -> bool:
        """Whether the subscription became active after the reversal."""
        snapshot, reversal = self.purchase.snapshot, paid.reversal
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
        return Entitlement(self.terms.products[product], code, self.purchase.as_of, product, period_end)

    def off(self, code: str) -> Entitlement:
        names, period_end = self._bought()
        was_bought = self.purchase.was_paid or self.purchase.ended_at is not None
        product = self.terms.product(names)
        return Entitlement(FREE, code, self.purchase.as_of, product, period_end, was_bought=was_bought)

    def until(self, end: datetime, code: str, code_after: str) -> Entitlement:
        if self.now >= end:
            return self.off(code_after)
        entitlement = self.on(code)
        return replace(entitlement, due_at=end) if entitlement.is_on else entitlement

    def _bought(self) -> tuple[tuple[str, ...], datetime | None]:
        """The product and the end of its period, from the newest data on either."""
        snapshot = self.purchase.snapshot
        settled = [one for one in invoices(self.purchase) if one.is_settled]
        paid = settled[-1] if settled else None
        if snapshot and not (paid and paid.products and paid.paid_at > snapshot.version):
            ends = [end for end in (snapshot.period_end, paid.period_end if paid else None) if end]
            return snapshot.products or (paid.products if paid else ()), max(ends, default=None)
        return (paid.products, paid.period_end) if paid else ((), None)
