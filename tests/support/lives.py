"""An agency's account after a history of events, and what the application reports."""

from datetime import datetime, timedelta
from typing import Any

from agenciaos_jobs.payments.policy.application import Report, interpret
from agenciaos_jobs.payments.policy.decision import Account, Action, decide
from agenciaos_jobs.payments.policy.entitlement import APPLICATION
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.terms import Terms
from support.guru import PRODUCT
from support.histories import FREE, LATER

TERMS = Terms((FREE, "PRO"), {PRODUCT: "PRO", "pro-yearly": "PRO", "starter": FREE}, timedelta(days=3))


def lived(
    events: list[PaymentEvent],
    now: datetime = LATER,
    plan: str = FREE,
    terms: Terms = TERMS,
    provider: str = "guru",
) -> tuple[Account, list[Action]]:
    """An agency's account after these events, each decided upon when it came."""
    account, actions = Account(plan, None, {}), []
    for one in events:
        source = APPLICATION if one.purchase_id == APPLICATION else provider
        decision = decide(account, one, one.purchase_id, source, now, terms)
        actions.append(decision.action)
        purchases = {**account.purchases, one.purchase_id: account.merge(one, one.purchase_id, source)}
        subscription = decision.subscription or account.subscription
        account = Account(decision.plan_after or account.plan, subscription, purchases)
    return account, actions


def word(name: str, at: str | None = None, *, received: str = "2027-01-09T00:00:00Z", **more: Any) -> PaymentEvent:
    """What the application reports; without ``at`` it carries neither a date nor an id."""
    occurred_at = datetime.fromisoformat(at) if at else None
    known = {"product": PRODUCT, "event_id": at and f"{name} {at}"} | more
    report = Report(name, "agency-123", occurred_at=occurred_at, **known)
    return interpret(report, datetime.fromisoformat(at or received))
