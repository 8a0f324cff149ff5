"""What would change a plan: each kind of fact, evaluated as if it were reported now."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agenciaos_jobs.payments.policy.decision import Account
from agenciaos_jobs.payments.policy.entitlement import APPLICATION, OwnPurchase, entitlement
from agenciaos_jobs.payments.policy.evaluation import Entitlement
from agenciaos_jobs.payments.policy.purchase import ENDED, REVERSED, Purchase, Snapshot
from agenciaos_jobs.payments.policy.terms import Terms

_STATUSES = ("active", "pastdue", "canceled", "expired", "refunded", "chargeback")
_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Hypothesis:
    """A fact that could be reported, and the entitlement that would follow at once."""

    fact: str
    given: Entitlement


def hypotheses(account: Account, now: datetime, terms: Terms) -> Iterator[Hypothesis]:
    """The facts that would change the plan or the time at which it changes by itself, for the purchase that counts."""
    own_terms = account.terms(terms)
    present = entitlement(account.purchases, now, own_terms)
    if present is None:
        product = next(iter(own_terms.products), None)
        present = Entitlement(terms.base_plan, "not_paid", now, product=product, source=APPLICATION)
        present = replace(present, purchase_id=APPLICATION)
    known = account.purchases.get(present.purchase_id, OwnPurchase(present.source, Purchase()))
    at = max(now, present.as_of + _MOMENT)
    for status in _STATUSES:
        facts = known.facts.merge(_fact(status, at, known.facts, present))
        given = entitlement({**account.purchases, present.purchase_id: replace(known, facts=facts)}, at, own_terms)
        if given and (given.plan, given.due_at) != (present.plan, present.due_at):
            yield Hypothesis(status, given)


def _fact(status: str, at: datetime, known: Purchase, present: Entitlement) -> Purchase:
    before = known.current or Snapshot(at, status, at, products=(present.product,) if present.product else ())
    snapshot = replace(before, version=at, status=status, status_at=at, ends_with_cycle=False)
    is_end = status in ENDED or status in REVERSED
    return Purchase(
        snapshot=snapshot,
        ended_at=at if is_end else None,
        ended_as=status if is_end else "",
        overdue=((snapshot.invoice or "", at),) if status == "pastdue" else (),
        was_paid=status == "active",
    )
