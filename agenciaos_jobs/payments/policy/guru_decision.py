"""What a Guru event does to an agency's plan: (what is known, the event) → what is known then, the plan, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.payments.policy.application_decision import FREE, Action, Decision, Subscription
from agenciaos_jobs.payments.policy.entitlement import Entitlement, Terms, best, evaluate
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.purchase import Purchase

SOURCE = "guru"


@dataclass(frozen=True)
class Account:
    """An agency as its payments know it: the plan it has, where its subscription stands, what it has bought."""

    plan: str
    subscription: Subscription | None
    contracts: Mapping[str, Purchase]

    def joined(self, event: PaymentEvent, contract_id: str) -> Purchase:
        return self.contracts.get(contract_id, Purchase()).joined(event.facts)


def decide(account: Account, event: PaymentEvent, contract_id: str, now: datetime, terms: Terms) -> Decision:
    """What the event does. Its product must be one that a plan is known for."""
    contract = account.joined(event, contract_id)
    verdict = best(evaluate(one, now, terms) for one in {**account.contracts, contract_id: contract}.values())
    assert verdict
    said = f"{event.kind} {event.status}" + (f", cycle {event.cycle}" if event.cycle else "")
    decision = _changed(account, verdict, said, event.event_id)
    if decision.action is Action.UNCHANGED and account.contracts.get(contract_id) == contract:
        return Decision(
            Action.OUTDATED, f"{said}: nothing that was not known", account.plan, account.plan, code="nothing_new"
        )
    return decision


def reevaluate(account: Account, now: datetime, terms: Terms) -> Decision | None:
    """What the passing of time does; ``None`` where an agency has bought nothing through Guru."""
    verdict = best(evaluate(one, now, terms) for one in account.contracts.values())
    current = account.subscription
    event_id = current.last_event_id if current else None
    return _changed(account, verdict, "time", event_id) if verdict else None


def _changed(account: Account, verdict: Entitlement, said: str, event_id: str | None) -> Decision:
    before, current = account.plan, account.subscription
    if current and current.source != SOURCE and current.last_event_at > verdict.as_of:
        reason = f"{said}: older than the application's own word of {current.last_event_at.isoformat()}"
        return Decision(Action.OUTDATED, reason, before, before, code="older_than_application")
    if not verdict.is_on and not verdict.was_bought and (current is None or current.plan == FREE):
        return Decision(Action.UNCHANGED, f"{said}: nothing was bought", before, before, code=verdict.code)
    after = verdict.plan
    subscription = Subscription(
        plan=after,
        status=verdict.code,
        product_id=verdict.product,
        last_event_id=event_id,
        last_event_at=verdict.as_of,
        source=SOURCE,
        code=verdict.code,
        period_end=verdict.period_end,
        due_at=verdict.due_at,
    )
    change = f"plan {before} → {after}" if before != after else f"plan stays {after}"
    action = _action(before, after, current, verdict)
    return Decision(action, f"{said}: {change} ({verdict.code})", before, after, subscription, code=verdict.code)


def _action(before: str, after: str, current: Subscription | None, verdict: Entitlement) -> Action:
    if before != after:
        return Action.DEACTIVATED if after == FREE else Action.ACTIVATED
    known_end = current.period_end if current else None
    if verdict.is_on and known_end and verdict.period_end and verdict.period_end > known_end:
        return Action.RENEWED
    return Action.UNCHANGED
