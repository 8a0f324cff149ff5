"""Moves a purchase to another agency, as a person decides after the alert ``payment_moved``."""

from datetime import datetime

import structlog

from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.assignment import UnknownAgencyError
from agenciaos_jobs.payments.effects import current_terms
from agenciaos_jobs.payments.policy.decision import Account, Action, Decision, Subscription, reevaluate
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.store.payments import NewRecord
from agenciaos_jobs.payments.store.purchases import OwnedPurchase

MOVED = "moved"

log = structlog.get_logger("agenciaos_jobs.payments")


class UnknownPurchaseError(DomainError):
    """There is no purchase with this id, or its agency no longer exists."""

    status = 404
    text = Text("Compra não encontrada", "Purchase not found")


async def move(database: Database, clock: Clock, uses: Payments, purchase_id: str, agency_id: str) -> dict[str, str]:
    """Gives a purchase and its future events to another agency; returns the plan of both agencies, by id.

    Both get the plan that their purchases now give. Raises :class:`UnknownPurchaseError` and
    :class:`UnknownAgencyError`. Idempotent.
    """
    now = clock.now()
    async with database.transaction() as connection:
        await purchases.lock(connection, purchase_id)
        held = await purchases.find(connection, [purchase_id])
        if held is None:
            raise UnknownPurchaseError(purchase_id)
        if not await agencies.exists(connection, agency_id):
            raise UnknownAgencyError(agency_id)
        for name in sorted({held.agency_id, agency_id}):
            await payments.lock_agency(connection, name)
        if held.agency_id != agency_id:
            await purchases.move(connection, held.id, agency_id, now)
            await purchases.associate(connection, [f"contract:{held.id}"], agency_id, now)
        terms = await current_terms(connection, uses)
        plans = {
            name: await _update_plan(connection, held, agency_id, name, terms, now)
            for name in dict.fromkeys((held.agency_id, agency_id))
        }
    log.info("purchase_moved", contract=held.id, agency_id=agency_id, agency_before=held.agency_id)
    return plans


async def _update_plan(
    connection: Connection, held: OwnedPurchase, new_agency: str, agency_id: str, terms: Terms, now: datetime
) -> str:
    account = await purchases.account(connection, agency_id)
    assert account
    if held.agency_id == new_agency:
        return account.plan
    effect = reevaluate(account, now, terms)
    decision = effect[0] if effect else _without_purchases(account, terms, now)
    if decision.subscription and decision.plan_after:
        await payments.save_subscription(connection, agency_id, decision.subscription, now)
        await agencies.set_plan(connection, agency_id, decision.plan_after, now)
    record = NewRecord(
        run_id=await payments.last_run(connection, held.id) or "",
        source=decision.subscription.source if decision.subscription else held.source,
        event=MOVED,
        occurred_at=now,
        recorded_at=now,
        action=decision.action,
        reason=f"purchase {held.id} was moved from {held.agency_id} to {new_agency} by hand; {decision.reason}",
        payload={"purchase": held.id, "from": held.agency_id, "to": new_agency},
        agency_id=agency_id,
        contract_id=held.id,
        plan_before=decision.plan_before,
        plan_after=decision.plan_after,
        code=decision.code,
        due_at=decision.changes_at,
    )
    await payments.add(connection, record)
    return decision.plan_after or account.plan


def _without_purchases(account: Account, terms: Terms, now: datetime) -> Decision:
    """The decision for an agency that has no purchase left: it loses the plan that a purchase gave, and no other."""
    before, current = account.plan, account.subscription
    if current is None or current.plan != before or not terms.rank(before):
        return Decision(Action.UNCHANGED, f"plan stays {before}", before, before, code=MOVED)
    after = terms.base_plan
    subscription = Subscription(after, MOVED, None, None, now, current.source, MOVED)
    return Decision(Action.DEACTIVATED, f"plan {before} → {after}", before, after, subscription, code=MOVED)
