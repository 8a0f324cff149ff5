"""Ends plans whose term is over, follows silent subscriptions up, and retries payments that were not confirmed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, Hooks, Job, Json, Limits, Schedule
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.alerts import silent
from agenciaos_jobs.payments.effects import current_terms
from agenciaos_jobs.payments.jobs import reconcile_payments
from agenciaos_jobs.payments.jobs.process_provider_webhook import job_of
from agenciaos_jobs.payments.policy.decision import Action, Decision, reevaluate
from agenciaos_jobs.payments.policy.evaluation import Entitlement
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.store.payments import NewRecord

RETRY_AFTER = timedelta(hours=1)
"""Delay before an unconfirmed payment is confirmed again."""

_MAX_BATCH = 200


class Payload(BaseModel):
    """Empty: due plans are read from the database."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "SettleDuePayments"})


async def run(context: RunContext[Payments], _: Payload) -> CommitWith:
    return CommitWith(partial(_expire_due, context=context))


async def _expire_due(connection: Connection, *, context: RunContext[Payments]) -> Json:
    now, terms = context.clock.now(), await current_terms(connection, context.uses)
    due = sorted(await purchases.due(connection, now, _MAX_BATCH))
    effects = [await _expire_one(connection, context, agency_id, now, terms) for agency_id in due]
    ended = sum(effect is not None and effect[0].action is Action.DEACTIVATED for effect in effects)
    quiet = {name: effect[1] for name, effect in zip(due, effects, strict=True) if effect and effect[1].is_silent}
    await _follow_up(connection, context, quiet)
    retried = await _retry_unverified(connection, context, now)
    context.log.info("due_payments_settled", due=len(due), ended=ended, silent=len(quiet), asked_again=retried)
    return {"success": True, "due": len(due), "ended": ended, "silent": len(quiet), "askedAgain": retried}


async def _expire_one(
    connection: Connection, context: RunContext[Payments], agency_id: str, now: datetime, terms: Terms
) -> tuple[Decision, Entitlement] | None:
    await payments.lock_agency(connection, agency_id)
    account = await purchases.account(connection, agency_id)
    effect = reevaluate(account, now, terms) if account else None
    if effect is None or effect[0].subscription is None or effect[0].action is Action.ACTIVATED:
        await purchases.clear_due(connection, agency_id)  # time alone activates nothing
        return None
    decision, subscription = effect[0], effect[0].subscription
    await payments.save_subscription(connection, agency_id, subscription, now)
    if decision.plan_after != decision.plan_before:
        await agencies.set_plan(connection, agency_id, subscription.plan, now)
        await payments.add(connection, _record(context, agency_id, decision, now))
    return effect


def _record(context: RunContext[Payments], agency_id: str, decision: Decision, now: datetime) -> NewRecord:
    assert decision.subscription
    payload, source = context.run.payload, decision.subscription.source
    record = NewRecord(context.run.id, source, "time", now, now, decision.action, decision.reason, payload)
    return replace(
        record,
        agency_id=agency_id,
        product_id=decision.subscription.product_id,
        plan_before=decision.plan_before,
        plan_after=decision.plan_after,
        code=decision.code,
        period_end=decision.subscription.period_end,
        due_at=decision.changes_at,
    )


async def _follow_up(connection: Connection, context: RunContext[Payments], quiet: Mapping[str, Entitlement]) -> None:
    """Triggers a reconciliation of silent subscriptions; raises alerts where the provider has no API."""
    reconciled = [name for name, one in quiet.items() if _has_api(context, one.source)]
    if reconciled:
        await context.trigger_in(connection, reconcile_payments.JOB.task, {"agencies": reconciled}, source="silence")
    events = [event for name, one in quiet.items() if name not in reconciled for event in silent(name, one)]
    await alerts.add(connection, events, context.clock)


def _has_api(context: RunContext[Payments], source: str) -> bool:
    provider = context.uses.providers.get(source)
    return provider is not None and provider.has_api


async def _retry_unverified(connection: Connection, context: RunContext[Payments], now: datetime) -> int:
    """Replays unverified events; an idempotency key allows one run for each record."""
    made = []
    waiting = await payments.waiting(connection, Action.UNVERIFIED, now - RETRY_AFTER)
    for name, provider in context.uses.providers.items():
        items = [
            (
                record.payload,
                {
                    "agency_id": record.agency_id,
                    "replay_of": record.run_id,
                    "idempotency_key": f"unverified:{record.id}",
                },
            )
            for record in waiting
            if record.source == name
        ]
        made += await context.trigger_all_in(connection, job_of(type(provider)).task, items, source="unverified")
    return sum(not result.is_cached for result in made)


async def _is_needed(database: Database, now: datetime) -> bool:
    return await purchases.is_due(database, now) or bool(
        await payments.waiting(database, Action.UNVERIFIED, now - RETRY_AFTER)
    )


JOB = Job(
    task="settle-due-payments",
    summary=Text("Encerra os planos cujo prazo acabou", "Ends the plans whose term is over"),
    accepted=Text("Acerto iniciado", "Settling started"),
    uses=Payments,
    payload=Payload,
    run=run,
    schedule=Schedule("* * * * *"),
    limits=Limits(attempts=3, max_duration=120),
    hooks=Hooks(is_needed=_is_needed),
)
