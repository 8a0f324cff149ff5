"""Takes plans back when their time has come, and asks Guru again about payments that it could not confirm."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.engine.context import RunApp
from agenciaos_jobs.engine.model.job import Finish, Job, Json, Schedule
from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.engine.store import runs
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.payments.jobs import process_guru_webhook
from agenciaos_jobs.payments.policy.application_decision import Action, Decision
from agenciaos_jobs.payments.policy.guru_decision import SOURCE, redecide
from agenciaos_jobs.payments.store import payments, purchases
from agenciaos_jobs.payments.store.payments import NewRecord

AGAIN_AFTER = timedelta(hours=1)
"""How long a payment that could not be confirmed waits before Guru is asked again."""

_AT_ONCE = 200


class Payload(BaseModel):
    """Nothing: what is due stands in the database."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "SettleDuePayments"})


async def run(app: RunApp, _: Payload) -> Finish:
    return Finish(partial(_settle, app=app))


async def _settle(connection: Connection, *, app: RunApp) -> Json:
    now = app.clock.now()
    due = sorted(await purchases.due(connection, now, _AT_ONCE))
    decisions = [await _settle_one(connection, app, agency_id, now) for agency_id in due]
    ended = sum(decision is not None and decision.action is Action.DEACTIVATED for decision in decisions)
    asked = await _ask_again(connection, app, now)
    app.log.info("due_payments_settled", due=len(due), ended=ended, asked_again=asked)
    return {"success": True, "due": len(due), "ended": ended, "askedAgain": asked}


async def _settle_one(connection: Connection, app: RunApp, agency_id: str, now: datetime) -> Decision | None:
    await payments.lock_agency(connection, agency_id)
    account = await purchases.account(connection, agency_id)
    decision = redecide(account, now, app.rules.terms) if account else None
    if account is None or decision is None or decision.subscription is None:
        await purchases.forget_due(connection, agency_id)
        return None
    await payments.save_subscription(connection, agency_id, decision.subscription, now)
    if decision.plan_after != decision.plan_before:
        await agencies.set_plan(connection, agency_id, decision.subscription.plan, now)
        await payments.add(connection, _record(app, agency_id, decision, now))
    return decision


def _record(app: RunApp, agency_id: str, decision: Decision, now: datetime) -> NewRecord:
    assert decision.subscription
    record = NewRecord(app.run.id, SOURCE, "time", now, now, decision.action, decision.reason, app.run.payload)
    return replace(
        record,
        agency_id=agency_id,
        product_id=decision.subscription.product_id,
        plan_before=decision.plan_before,
        plan_after=decision.plan_after,
        code=decision.code,
        period_end=decision.subscription.period_end,
    )


async def _ask_again(connection: Connection, app: RunApp, now: datetime) -> int:
    """Starts the runs of unverified events anew; a key lets each record make one."""
    waiting = await payments.waiting(connection, Action.UNVERIFIED, now - AGAIN_AFTER)
    job = process_guru_webhook.JOB
    new = [
        NewRun(
            task=job.task,
            payload=record.payload,
            agency_id=record.agency_id,
            max_attempts=job.attempts,
            max_duration=job.max_duration,
            source="unverified",
            priority=job.priority,
            replay_of=record.run_id,
            idempotency_key=f"unverified:{record.id}",
        )
        for record in waiting
    ]
    stored = await runs.insert(connection, [(app.clock.new_id("run"), one) for one in new], now) if new else set()
    return len(stored)


async def _is_needed(database: Database, now: datetime) -> bool:
    return await purchases.is_due(database, now) or bool(
        await payments.waiting(database, Action.UNVERIFIED, now - AGAIN_AFTER)
    )


JOB = Job(
    task="settle-due-payments",
    summary="Encerra os planos cujo prazo acabou / Ends the plans whose time has come",
    accepted={"pt": "Acerto iniciado", "en": "Settling started"},
    payload=Payload,
    run=run,
    attempts=3,
    max_duration=120,
    schedule=Schedule("* * * * *"),
    is_needed=_is_needed,
)
