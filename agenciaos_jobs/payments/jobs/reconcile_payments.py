"""Compares plans with the payment providers' data, corrects them where it may, and reports the differences."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial

import orjson
from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, Job, Json, Limits, RetryLater, Schedule
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.alerts import PAYMENT_DIFFERENCE, silent
from agenciaos_jobs.payments.effects import current_terms
from agenciaos_jobs.payments.jobs.process_provider_webhook import Delivery, join
from agenciaos_jobs.payments.ownership import Owner
from agenciaos_jobs.payments.policy.decision import Account
from agenciaos_jobs.payments.policy.entitlement import OwnPurchase, entitlement
from agenciaos_jobs.payments.policy.event import NotUnderstood
from agenciaos_jobs.payments.policy.purchase import Purchase
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.provider import Provider, read
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases

LOOK_BACK = timedelta(days=90)
"""How long after its last event an agency without a plan is still compared."""

_ATTEMPTS = 5
_WAIT = timedelta(seconds=2)


class Payload(BaseModel):
    """``agencies`` whose subscriptions have gone silent: they are compared and corrected. Without it, every plan is."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "ReconcilePayments"})

    agencies: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Difference:
    """An agency whose plan differs from the one that its provider's data gives, and the plan it has been given."""

    agency_id: str
    plan: str
    plan_by_provider: str
    reason: str
    plan_after: str

    @property
    def is_corrected(self) -> bool:
        return self.plan_after == self.plan_by_provider


async def run(context: RunContext[Payments], payload: Payload) -> Json | CommitWith:
    uses = context.uses
    providers = {name: one for name, one in uses.providers.items() if one.has_api}
    if not providers:
        return {"success": True, "checked": 0, "skipped": "no payment provider has an API key"}
    since = context.clock.now() - LOOK_BACK
    terms = await current_terms(context.database, uses)
    listed = await purchases.to_compare(context.database, list(providers), terms.base_plan, since)
    agency_ids = [one for one in listed if payload.agencies is None or one in payload.agencies]
    follows_up = payload.agencies is not None
    differences = [
        difference
        for agency_id in agency_ids
        if (difference := await _compare(context, providers, agency_id, terms, follows_up=follows_up))
    ]
    silent_ones = [one for one in payload.agencies or () if one in agency_ids]
    return CommitWith(
        partial(_report, context=context, checked=len(agency_ids), differences=differences, silent_ones=silent_ones)
    )


async def _compare(
    context: RunContext[Payments], providers: Mapping[str, Provider], agency_id: str, terms: Terms, *, follows_up: bool
) -> Difference | None:
    """The difference between an agency's plan and the one by the providers' present data, corrected if that is allowed.

    ``follows_up``: the agency's subscription is silent, so that all of the provider's data on it is new.
    """
    async with context.database.connection() as connection:
        account = await purchases.account(connection, agency_id)
    if account is None:
        return None
    found = await _fetch(providers, account)
    now, known = context.clock.now(), dict(account.purchases)
    deliveries: dict[str, Delivery] = {}
    for purchase_id, body in found.items():
        source = known[purchase_id].source
        event = read(providers[source], body or {}, now)
        if body is None:
            known[purchase_id] = OwnPurchase(source, Purchase())
        elif not isinstance(event, NotUnderstood):
            known[purchase_id] = account.merge(event, purchase_id, source)
            storable = orjson.loads(orjson.dumps(body, default=str))
            deliveries[purchase_id] = Delivery(context, source, event, storable)
    given = entitlement(known, now, account.terms(terms))
    missing = [purchase_id for purchase_id, body in found.items() if body is None]
    applies = context.uses.reconcile_apply or follows_up
    if given and given.plan != account.plan and (given.was_bought or missing):
        reason = f"unknown to the provider: {', '.join(missing)}" if missing else f"by its data: {given.code}"
        after = await _correct(context, agency_id, deliveries, terms) if applies else account.plan
        context.log.warning("payment_difference", agency_id=agency_id, plan=account.plan, plan_by_provider=given.plan)
        return Difference(agency_id, account.plan, given.plan, reason, after)
    if follows_up:
        await _correct(context, agency_id, deliveries, terms)
    return None


async def _fetch(providers: Mapping[str, Provider], account: Account) -> dict[str, Json | None]:
    """The present data of each purchase; ``None`` for those that its provider does not have."""
    return {
        purchase_id: await _with_retries(partial(providers[one.source].fetch, purchase_id))
        for purchase_id, one in account.purchases.items()
        if one.source in providers
    }


async def _with_retries(call: Callable[[], Awaitable[Json | None]]) -> Json | None:
    for _ in range(_ATTEMPTS - 1):
        try:
            return await call()
        except RetryLater as error:
            await asyncio.sleep((error.after or _WAIT).total_seconds())
    return await call()


async def _correct(
    context: RunContext[Payments], agency_id: str, deliveries: Mapping[str, Delivery], terms: Terms
) -> str:
    """Processes the providers' data as if it had been delivered; returns the agency's plan. It may be repeated."""
    async with context.database.transaction() as connection:
        for purchase_id in sorted(deliveries):
            await purchases.lock(connection, purchase_id)
        await payments.lock_agency(connection, agency_id)
        for purchase_id in sorted(deliveries):
            account, delivery = await purchases.account(connection, agency_id), deliveries[purchase_id]
            owner = Owner(purchase_id, agency_id, "the purchase is known")
            if account and account.merge(delivery.event, purchase_id, delivery.source) != account.purchases.get(
                purchase_id
            ):
                decision = delivery.decide(account, owner, terms)
                await join(connection, delivery, account, owner, decision, terms)
        return await agencies.plan(connection, agency_id) or ""


async def _report(
    connection: Connection,
    *,
    context: RunContext[Payments],
    checked: int,
    differences: list[Difference],
    silent_ones: list[str],
) -> Json:
    """Raises the alerts for what could not be corrected, and for subscriptions that are silent even so."""
    events = [AlertEvent(PAYMENT_DIFFERENCE, subject=one.agency_id, details=asdict(one)) for one in differences]
    now, terms = context.clock.now(), await current_terms(connection, context.uses)
    for agency_id in silent_ones:
        account = await purchases.account(connection, agency_id)
        given = entitlement(account.purchases, now, account.terms(terms)) if account else None
        events += silent(agency_id, given) if given else []
    await alerts.add(connection, events, context.clock)
    listed = [
        {
            "agencyId": one.agency_id,
            "plan": one.plan,
            "planByProvider": one.plan_by_provider,
            "planAfter": one.plan_after,
            "reason": one.reason,
        }
        for one in differences
    ]
    corrected = sum(one.is_corrected for one in differences)
    return {"success": True, "checked": checked, "differences": listed, "corrected": corrected}


JOB = Job(
    task="reconcile-payments",
    summary=Text("Compara os planos com os provedores de pagamento", "Compares the plans with the payment providers"),
    accepted=Text("Conferência iniciada", "Reconciliation started"),
    uses=Payments,
    payload=Payload,
    run=run,
    schedule=Schedule("30 3 * * *"),
    limits=Limits(attempts=3, max_duration=3600),
)
