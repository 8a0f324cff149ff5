"""Ends plans whose term is over, and retries payments that Guru could not confirm."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, Hooks, Job, Json, Limits, Schedule
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.jobs import process_guru_webhook
from agenciaos_jobs.payments.policy.application_decision import Action, Decision
from agenciaos_jobs.payments.policy.guru_decision import SOURCE, reevaluate
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.store.payments import NewRecord

RETRY_AFTER = timedelta(hours=1)
"""Delay before an unconfirmed payment is checked with Guru again."""

_MAX_BATCH = 200


class Payload(BaseModel):
    """Empty: due plans are read from the database."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "SettleDuePayments"})


async def run(context: RunContext[Payments], _: Payload) -> CommitWith:
    return CommitWith(partial(_expire_due, context=context))


async def _expire_due(connection: Connection, *, context: RunContext[Payments]) -> Json:
    now = context.clock.now()
    due = sorted(await purchases.due(connection, now, _MAX_BATCH))
    decisions = [await _expire_one(connection, context, agency_id, now) for agency_id in due]
    ended = sum(decision is not None and decision.action is Action.DEACTIVATED for decision in decisions)
    retried = await _retry_unverified(connection, context, now)
    context.log.info("due_payments_settled", due=len(due), ended=ended, asked_again=retried)
    return {"success": True, "due": len(due), "ended": ended, "askedAgain": retried}


async def _expire_one(
    connection: Connection, context: RunContext[Payments], agency_id: str, now: datetime
) -> Decision | None:
    await payments.lock_agency(connection, agency_id)
    account = await purchases.account(connection, agency_id)
    decision = reevaluate(account, now, context.uses.terms) if account else None
    if account is None or decision is None or decision.subscription is None:
        await purchases.clear_due(connection, agency_id)
        return None
    await payments.save_subscription(connection, agency_id, decision.subscription, now)
    if decision.plan_after != decision.plan_before:
        await agencies.set_plan(connection, agency_id, decision.subscription.plan, now)
        await payments.add(connection, _record(context, agency_id, decision, now))
    return decision


def _record(context: RunContext[Payments], agency_id: str, decision: Decision, now: datetime) -> NewRecord:
    assert decision.subscription
    record = NewRecord(context.run.id, SOURCE, "time", now, now, decision.action, decision.reason, context.run.payload)
    return replace(
        record,
        agency_id=agency_id,
        product_id=decision.subscription.product_id,
        plan_before=decision.plan_before,
        plan_after=decision.plan_after,
        code=decision.code,
        period_end=decision.subscription.period_end,
    )


async def _retry_unverified(connection: Connection, context: RunContext[Payments], now: datetime) -> int:
    """Replays unverified events; an idempotency key allows one run for each record."""
    waiting = await payments.waiting(connection, Action.UNVERIFIED, now - RETRY_AFTER)
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
    ]
    task = process_guru_webhook.JOB.task
    made = await context.trigger_all_in(connection, task, items, source="unverified")
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
