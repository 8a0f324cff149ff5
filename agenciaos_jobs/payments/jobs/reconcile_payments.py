"""Compares plans with the payment providers' data, corrects them where it may, and reports the differences."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial

import orjson
from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, Job, Json, Limits, RetryLater, Schedule
from agenciaos_jobs.engine.pacing.pacer import PacedCalls
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.effects import current_terms
from agenciaos_jobs.payments.jobs.process_provider_webhook import Delivery, join
from agenciaos_jobs.payments.ownership import Owner
from agenciaos_jobs.payments.policy.decision import Account
from agenciaos_jobs.payments.policy.entitlement import OwnPurchase, entitlement
from agenciaos_jobs.payments.policy.event import NotUnderstood
from agenciaos_jobs.payments.policy.purchase import Purchase
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.provider import Provider, read
from agenciaos_jobs.payments.reconciliation import Comparison, Difference, alert_unasked, report
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases, reconciliations
from agenciaos_jobs.payments.upstream import upstream_of

LOOK_BACK = timedelta(days=90)
"""How long after its last event an agency without a plan is still compared."""

_ATTEMPTS = 5
_WAIT = timedelta(seconds=2)
_MAX_WAIT = timedelta(seconds=10)
"""For longer waits the run is retried later, so that it holds no slot."""

_WAIT_LIMIT = timedelta(hours=6)
"""How long a comparison waits for a provider's API in all."""


class Payload(BaseModel):
    """``agencies`` are those with a silent subscription, to compare and correct. By default all are compared."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "ReconcilePayments"})

    agencies: tuple[str, ...] | None = None


async def run(context: RunContext[Payments], payload: Payload) -> Json | CommitWith:
    uses = context.uses
    providers = {name: one for name, one in uses.providers.items() if one.has_api}
    if not providers:
        return {"success": True, "checked": 0, "skipped": "no payment provider has an API key"}
    since = context.clock.now() - LOOK_BACK
    terms = await current_terms(context.database, uses)
    listed = await purchases.to_compare(context.database, list(providers), terms.base_plan, since)
    agency_ids = [one for one in listed if payload.agencies is None or one in payload.agencies]
    silent_ones = agency_ids if payload.agencies is not None else []
    context.on_failure(partial(alert_unasked, context=context, silent_ones=silent_ones))
    calls, done = uses.pacer.calls_of(context.run), await reconciliations.done(context.database, context.run.id)
    for agency_id in agency_ids:
        if agency_id not in done:
            await _compare(context, calls, providers, agency_id, terms, is_silent=bool(silent_ones))
    return CommitWith(partial(report, context=context, silent_ones=silent_ones))


async def _compare(
    context: RunContext[Payments],
    calls: PacedCalls,
    providers: Mapping[str, Provider],
    agency_id: str,
    terms: Terms,
    *,
    is_silent: bool,
) -> None:
    """Compares an agency's plan with the one by the providers' present data, and corrects it if that is allowed.

    The answer about a silent subscription counts like the webhook that has not come. Any other difference contradicts
    what did come, and is corrected with ``RECONCILE_APPLY`` alone.
    """
    async with context.database.connection() as connection:
        account = await purchases.account(connection, agency_id)
    if account is None:
        return
    found = await _fetch(calls, providers, account)
    now = context.clock.now()
    known, deliveries = _merged(context, account, found, now)
    given = entitlement(known, now, account.terms(terms))
    missing = [purchase_id for purchase_id, body in found.items() if body is None]
    differs = given is not None and given.plan != account.plan and bool(given.was_bought or missing)
    after, updated, difference = account.plan, 0, None
    async with context.database.transaction() as connection:
        if is_silent or (differs and context.uses.reconcile_apply):
            after, updated = await _correct(connection, agency_id, deliveries, terms)
        if differs and given:
            reason = f"unknown to the provider: {', '.join(missing)}" if missing else f"by its data: {given.code}"
            difference = Difference(agency_id, account.plan, given.plan, reason, after)
        await reconciliations.note(connection, context.run.id, agency_id, asdict(Comparison(updated, difference)), now)
    if difference:
        context.log.warning(
            "payment_difference", agency_id=agency_id, plan=account.plan, plan_by_provider=difference.plan_by_provider
        )


def _merged(
    context: RunContext[Payments], account: Account, found: Mapping[str, Json | None], now: datetime
) -> tuple[dict[str, OwnPurchase], dict[str, Delivery]]:
    """The account's purchases with the providers' present data, and that data as deliveries."""
    known, deliveries = dict(account.purchases), dict[str, Delivery]()
    for purchase_id, body in found.items():
        source = known[purchase_id].source
        event = read(context.uses.providers[source], body or {}, now)
        if body is None:
            known[purchase_id] = OwnPurchase(source, Purchase())
        elif not isinstance(event, NotUnderstood):
            known[purchase_id] = account.merge(event, purchase_id, source)
            storable = orjson.loads(orjson.dumps(body, default=str))
            deliveries[purchase_id] = Delivery(context, source, event, storable)
    return known, deliveries


async def _fetch(calls: PacedCalls, providers: Mapping[str, Provider], account: Account) -> dict[str, Json | None]:
    """The present data of each purchase; ``None`` for those that its provider does not have."""
    return {
        purchase_id: await _with_retries(calls, providers[one.source], purchase_id)
        for purchase_id, one in account.purchases.items()
        if one.source in providers
    }


async def _with_retries(calls: PacedCalls, provider: Provider, purchase_id: str) -> Json | None:
    """Raises ``Snooze`` while the provider's limit is reached, or its API is down."""
    upstream = upstream_of(provider, _WAIT_LIMIT)
    for _ in range(_ATTEMPTS - 1):
        try:
            return await calls.call(upstream, lambda: provider.fetch(purchase_id))
        except RetryLater as error:
            wait = error.after or _WAIT
            if wait > _MAX_WAIT:
                raise
            await asyncio.sleep(wait.total_seconds())
    return await calls.call(upstream, lambda: provider.fetch(purchase_id))


async def _correct(
    connection: Connection, agency_id: str, deliveries: Mapping[str, Delivery], terms: Terms
) -> tuple[str, int]:
    """Processes the providers' data as if it had been delivered. It may be repeated.

    Returns the agency's plan, and of how many purchases something new was stored.
    """
    updated = 0
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
            updated += 1
    return await agencies.plan(connection, agency_id) or "", updated


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
