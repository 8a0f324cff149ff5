"""Compares every plan with what Guru says, and reports the differences."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial

import orjson
from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.alerts.alert import Event, Kind
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunApp, Sales
from agenciaos_jobs.engine.model.job import Finish, Job, Json, RetryLater, Schedule
from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.engine.store import runs
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.payments.guru.reader import read_object
from agenciaos_jobs.payments.jobs import process_guru_webhook
from agenciaos_jobs.payments.policy.entitlement import best, judge
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.guru_decision import SOURCE, Account
from agenciaos_jobs.payments.policy.purchase import Contract
from agenciaos_jobs.payments.store import purchases

LOOK_BACK = timedelta(days=90)
"""Agencies without a plan are looked at for so long after their last event."""

_PATIENCE = 5
_WAIT = timedelta(seconds=2)


class Payload(BaseModel):
    """Nothing: every plan is compared."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "ReconcilePayments"})


@dataclass(frozen=True)
class Difference:
    """An agency whose plan is not what Guru's word makes it."""

    agency_id: str
    plan: str
    plan_by_guru: str
    reason: str


async def run(app: RunApp, _: Payload) -> Json | Finish:
    if app.guru is None:
        return {"success": True, "checked": 0, "skipped": "DMG_API_KEY is not set"}
    differences: list[Difference] = []
    answers: list[Json] = []
    agency_ids = await purchases.to_compare(app.database, app.clock.now() - LOOK_BACK)
    for agency_id in agency_ids:
        async with app.database.connection() as connection:
            account = await purchases.account(connection, agency_id)
        if account:
            said = await _asked(app.guru, account)
            if difference := _difference(app, agency_id, account, said):
                differences.append(difference)
                answers += [answer for answer in said.values() if answer]
                app.log.warning(
                    "payment_difference",
                    agency_id=agency_id,
                    plan=difference.plan,
                    plan_by_guru=difference.plan_by_guru,
                )
    return Finish(partial(_report, app=app, checked=len(agency_ids), differences=differences, answers=answers))


async def _asked(guru: Sales, account: Account) -> dict[str, Json | None]:
    """What Guru says of each purchase; waits where it is asked to."""
    said: dict[str, Json | None] = {}
    for contract_id in account.contracts:
        is_sale, name = contract_id.startswith("sale:"), contract_id.removeprefix("sale:")
        said[contract_id] = await _patiently(partial(guru.transaction if is_sale else guru.subscription, name))
    return said


async def _patiently(ask: Callable[[], Awaitable[Json | None]]) -> Json | None:
    for _ in range(_PATIENCE - 1):
        try:
            return await ask()
        except RetryLater as error:
            await asyncio.sleep((error.after or _WAIT).total_seconds())
    return await ask()


def _difference(app: RunApp, agency_id: str, account: Account, said: dict[str, Json | None]) -> Difference | None:
    """What the plan would be with Guru's present word, where that is another than it is."""
    now, known = app.clock.now(), dict(account.contracts)
    missing = [contract_id for contract_id, answer in said.items() if answer is None]
    for contract_id, answer in said.items():
        event = read_object(answer, now)
        if isinstance(event, PaymentEvent):
            known[contract_id] = known[contract_id].joined(event.facts)
        if answer is None:
            known[contract_id] = Contract()
    verdict = best(judge(contract, now, app.rules.terms) for contract in known.values())
    if verdict is None or verdict.plan == account.plan:
        return None
    reason = f"Guru knows no {', '.join(missing)}" if missing else f"by Guru's word: {verdict.code}"
    return Difference(agency_id, account.plan, verdict.plan, reason)


async def _report(
    connection: Connection, *, app: RunApp, checked: int, differences: list[Difference], answers: list[Json]
) -> Json:
    """Reports; where it is to put things right, Guru's answers are dealt with as if they had been sent."""
    job, now = process_guru_webhook.JOB, app.clock.now()
    applied = answers if app.rules.reconcile_apply else []
    new = [
        NewRun(
            task=job.task,
            payload=orjson.loads(orjson.dumps(answer, default=str)),
            agency_id=None,
            max_attempts=job.attempts,
            max_duration=job.max_duration,
            source="reconciliation",
            priority=job.priority,
            tags=(process_guru_webhook.FROM_GURU,),
        )
        for answer in applied
    ]
    if new:
        await runs.insert(connection, [(app.clock.new_id("run"), one) for one in new], now)
    events = [Event(Kind.PAYMENT_DIFFERENCE, SOURCE, one.agency_id, asdict(one)) for one in differences]
    await alerts.add(connection, events, app.clock)
    told = [
        {"agencyId": one.agency_id, "plan": one.plan, "planByGuru": one.plan_by_guru, "reason": one.reason}
        for one in differences
    ]
    return {"success": True, "checked": checked, "differences": told, "applied": len(new)}


JOB = Job(
    task="reconcile-payments",
    summary="Compara os planos com a Guru / Compares the plans with Guru",
    accepted={"pt": "Conferência iniciada", "en": "Reconciliation started"},
    payload=Payload,
    run=run,
    attempts=3,
    max_duration=3600,
    schedule=Schedule("30 3 * * *"),
)
