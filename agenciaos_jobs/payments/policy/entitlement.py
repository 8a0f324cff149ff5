"""Entitlements: the plan that an agency's purchases give it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from agenciaos_jobs.payments.policy.evaluation import Entitlement, evaluate
from agenciaos_jobs.payments.policy.purchase import Purchase
from agenciaos_jobs.payments.policy.terms import Terms

APPLICATION = "api"
"""The source of the application's own events. It reports on the agency as a whole: as one purchase, with this id."""


@dataclass(frozen=True)
class OwnPurchase:
    """An agency's purchase, and where its facts come from: a payment provider's name, or :data:`APPLICATION`."""

    source: str
    facts: Purchase


def entitlement(purchases: Mapping[str, OwnPurchase], now: datetime, terms: Terms) -> Entitlement | None:
    """The entitlement that all of an agency's purchases give; ``None`` if there are none.

    Of the providers' purchases the best one counts. The application and the providers report on the same agency, so
    that of these two the newer one counts, and at the same moment the one that gives less.
    """
    found = [
        replace(evaluate(one.facts, now, terms), source=one.source, purchase_id=purchase_id)
        for purchase_id, one in purchases.items()
    ]
    bought = choose(one for one in found if one.source != APPLICATION)
    word = next((one for one in found if one.source == APPLICATION), None)
    if bought is None or word is None or not (bought.was_bought and word.was_bought):
        given = [one for one in (bought, word) if one]
        return max(given, key=lambda one: (one.was_bought, one.rank), default=None)
    return max(bought, word, key=lambda one: (one.as_of, -one.rank))


def choose(entitlements: Iterable[Entitlement]) -> Entitlement | None:
    """The best of several entitlements: the higher plan wins, then the one that does not end, then the newest."""
    found = sorted(
        entitlements,
        key=lambda one: (one.rank, one.was_bought, one.due_at is None, one.as_of, one.code, one.purchase_id),
    )
    if not found:
        return None
    dues = [one.due_at for one in found if one.due_at]
    checks = [one.check_at for one in found if one.check_at]
    return replace(found[-1], due_at=min(dues, default=None), check_at=min(checks, default=None))
