"""The evaluation of one purchase: from its facts to the plan that it gives at a moment."""

from dataclasses import dataclass, replace
from datetime import datetime

from agenciaos_jobs.payments.policy.purchase import Invoice, Purchase, Snapshot, all_invoices, invoices
from agenciaos_jobs.payments.policy.terms import Terms


@dataclass(frozen=True)
class Entitlement:
    """A plan, with a stable code for the reason.

    ``rank`` is the plan's place in the order of plans. At ``due_at`` the plan changes even if no event arrives; at
    ``check_at`` a subscription that ought to have reported something counts as ``is_silent``. ``was_bought``: it was
    paid at some time, or it has ended; otherwise the entitlement revokes no plan that came from another source.
    ``source`` and ``purchase_id`` name the purchase that gives it.
    """

    plan: str
    code: str
    as_of: datetime
    rank: int = 0
    product: str | None = None
    period_end: datetime | None = None
    due_at: datetime | None = None
    check_at: datetime | None = None
    was_bought: bool = True
    is_silent: bool = False
    source: str = ""
    purchase_id: str = ""

    @property
    def is_on(self) -> bool:
        return self.rank > 0

    @property
    def next_at(self) -> datetime | None:
        """When it must be evaluated again, even if no event arrives."""
        return min((at for at in (self.due_at, self.check_at) if at), default=None)


def evaluate(purchase: Purchase, now: datetime, terms: Terms) -> Entitlement:
    """The entitlement that one purchase gives at a moment. One of no listed product gives and revokes nothing."""
    evaluation = _Evaluation(purchase, now, terms)
    if evaluation.product is None:
        return Entitlement(terms.base_plan, "unknown_product", purchase.as_of, was_bought=False)
    paid, snapshot = evaluation.paid, purchase.current
    if snapshot and snapshot.is_ended and not (paid and paid.is_settled):
        return evaluation.after_cancellation(snapshot.status)
    if paid and not paid.is_settled and not evaluation.is_reactivated_since(paid):
        return _after_reversal(evaluation, paid)
    if snapshot is None or snapshot.is_ended:
        return evaluation.running("paid") if paid else evaluation.off("not_paid")
    return _by_status(evaluation, snapshot)


def _by_status(evaluation: "_Evaluation", snapshot: Snapshot) -> Entitlement:
    paid = evaluation.paid
    is_paid_since = paid is not None and paid.is_settled and paid.paid_at > snapshot.status_at
    match snapshot.status:
        case "active":
            return _active(evaluation, snapshot)
        case "pastdue":
            has_paid_it = paid is not None and paid.is_settled and evaluation.is_of(paid, snapshot)
            return evaluation.running("paid") if is_paid_since or has_paid_it else _pastdue(evaluation, snapshot)
        case "trial":
            return evaluation.running("paid") if is_paid_since else _trial(evaluation, snapshot)
    return evaluation.running("paid") if paid else evaluation.after_cancellation(snapshot.status)


def _active(evaluation: "_Evaluation", snapshot: Snapshot) -> Entitlement:
    is_renewed = evaluation.paid is not None and evaluation.paid.cycle > snapshot.cycle
    if not snapshot.ends_with_cycle or snapshot.period_end is None or is_renewed:
        return evaluation.running("active")
    return evaluation.until(snapshot.period_end, "ends_with_cycle", "cycle_ended")


def _pastdue(evaluation: "_Evaluation", snapshot: Snapshot) -> Entitlement:
    if not evaluation.purchase.was_paid:
        return evaluation.off("pastdue")
    since = dict(evaluation.purchase.overdue).get(snapshot.invoice or "", snapshot.status_at)
    return evaluation.until(since + evaluation.terms.grace, "pastdue_grace", "pastdue")


def _trial(evaluation: "_Evaluation", snapshot: Snapshot) -> Entitlement:
    ends = snapshot.trial_end or snapshot.status_at + evaluation.terms.trial
    return evaluation.until(ends + evaluation.terms.grace, "trial", "trial_ended")


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
        snapshot, reversal = self.purchase.current, paid.reversal
        if snapshot is None or reversal is None or reversal.reversed is None:
            return reversal is None
        return snapshot.status == "active" and snapshot.status_at > reversal.reversed

    def is_of(self, paid: Invoice, snapshot: Snapshot) -> bool:
        return any(charge.invoice == snapshot.invoice for charge in paid.charges)

    def on(self, code: str) -> Entitlement:
        product = self.product
        assert product
        plan = self.terms.products[product]
        return Entitlement(plan, code, self.purchase.as_of, self.terms.rank(plan), product, self._bought[1])

    def off(self, code: str) -> Entitlement:
        was_bought = self.purchase.was_paid or self.purchase.ended_at is not None
        return replace(self.on(code), plan=self.terms.base_plan, rank=0, was_bought=was_bought)

    def until(self, end: datetime, code: str, code_after: str) -> Entitlement:
        if self.now >= end:
            return self.off(code_after)
        entitlement = self.on(code)
        return replace(entitlement, due_at=end) if entitlement.is_on else entitlement

    def running(self, code: str) -> Entitlement:
        """On, until further notice. After the paid period and the grace it is silent, and may end for that."""
        entitlement = self.on(code)
        if not entitlement.is_on or entitlement.period_end is None:
            return entitlement
        check_at = entitlement.period_end + self.terms.grace
        due_at = entitlement.period_end + self.terms.silence if self.terms.silence else None
        if due_at and self.now >= due_at:
            return self.off("silent")
        if self.now >= check_at:
            return replace(entitlement, due_at=due_at, is_silent=True)
        return replace(entitlement, due_at=due_at, check_at=check_at)

    def after_cancellation(self, code: str) -> Entitlement:
        """Off, but for the rest of the period that was paid before the subscription was cancelled."""
        end = self._paid_until if self.purchase.ended_as == "canceled" and self.terms.cancel_keeps_period else None
        return self.until(end, "canceled_paid", code) if end else self.off(code)

    @property
    def _paid_until(self) -> datetime | None:
        known = all_invoices(self.purchase)
        snapshot = self.purchase.current
        ends = [one.period_end for one in known if one.is_settled and one.period_end]
        if known and not known[-1].is_settled:
            return None
        if snapshot and snapshot.paid_until:
            ends.append(snapshot.paid_until)
        return max(ends, default=None)

    @property
    def product(self) -> str | None:
        """The listed product that was named last. One that is not listed leaves the purchase what it was."""
        named = sorted(self.purchase.offers, key=lambda offer: (offer[1], offer[0]), reverse=True)
        charged = [names for one in reversed(all_invoices(self.purchase)) for names in (one.products,)]
        newest_first = [self._bought[0], *(names for names, _ in named), *charged]
        return next((found for names in newest_first if (found := self.terms.product(names))), None)

    @property
    def _bought(self) -> tuple[tuple[str, ...], datetime | None]:
        """The product and the end of its period, from the newest data on either."""
        snapshot = self.purchase.current
        settled = [one for one in invoices(self.purchase) if one.is_settled]
        paid = settled[-1] if settled else None
        if snapshot and not (paid and paid.products and paid.paid_at > snapshot.version):
            ends = [end for end in (snapshot.period_end, paid.period_end if paid else None) if end]
            return snapshot.products or (paid.products if paid else ()), max(ends, default=None)
        return (paid.products, paid.period_end) if paid else ((), None)
