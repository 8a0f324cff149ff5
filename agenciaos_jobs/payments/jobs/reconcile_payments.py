"""Compares every plan with what Guru says, and reports the differences."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial

import orjson
from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.alerts.alert import Event
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, Job, Json, Limits, RetryLater, Schedule
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.alerts import PAYMENT_DIFFERENCE
from agenciaos_jobs.payments.guru.api import GuruAPI
from agenciaos_jobs.payments.guru.reader import read_object
from agenciaos_jobs.payments.jobs import process_guru_webhook
from agenciaos_jobs.payments.policy.entitlement import best, evaluate
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.guru_decision import SOURCE, Account
from agenciaos_jobs.payments.policy.purchase import Purchase
from agenciaos_jobs.payments.resources import Payments
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


async def run(context: RunContext[Payments], _: Payload) -> Json | CommitWith:
    if context.uses.guru is None:
        return {"success": True, "checked": 0, "skipped": "DMG_API_KEY is not set"}
    differences: list[Difference] = []
    answers: list[Json] = []
    agency_ids = await purchases.to_compare(context.database, context.clock.now() - LOOK_BACK)
    for agency_id in agency_ids:
        async with context.database.connection() as connection:
            account = await purchases.account(connection, agency_id)
        if account:
            said = await _asked(context.uses.guru, account)
            if difference := _difference(context, agency_id, account, said):
                differences.append(difference)
                answers += [answer for answer in said.values() if answer]
                context.log.warning(
                    "payment_difference",
                    agency_id=agency_id,
                    plan=difference.plan,
                    plan_by_guru=difference.plan_by_guru,
                )
    return CommitWith(
        partial(_report, context=context, checked=len(agency_ids), differences=differences, answers=answers)
    )


async def _asked(guru: GuruAPI, account: Account) -> dict[str, Json | None]:
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


def _difference(
    context: RunContext[Payments], agency_id: str, account: Account, said: dict[str, Json | None]
) -> Difference | None:
    """What the plan would be with Guru's present word, where that is another than it is."""
    now, known = context.clock.now(), dict(account.contracts)
    missing = [contract_id for contract_id, answer in said.items() if answer is None]
    for contract_id, answer in said.items():
        event = read_object(answer, now)
        if isinstance(event, PaymentEvent):
            known[contract_id] = known[contract_id].joined(event.facts)
        if answer is None:
            known[contract_id] = Purchase()
    verdict = best(evaluate(contract, now, context.uses.terms) for contract in known.values())
    if verdict is None or verdict.plan == account.plan:
        return None
    reason = f"Guru knows no {', '.join(missing)}" if missing else f"by Guru's word: {verdict.code}"
    return Difference(agency_id, account.plan, verdict.plan, reason)


async def _report(
    connection: Connection,
    *,
    context: RunContext[Payments],
    checked: int,
    differences: list[Difference],
    answers: list[Json],
) -> Json:
    """Reports; where it is to put things right, Guru's answers are dealt with as if they had been sent."""
    applied = answers if context.uses.reconcile_apply else []
    payloads: list[tuple[Json, Json]] = [(orjson.loads(orjson.dumps(answer, default=str)), {}) for answer in applied]
    await context.trigger_all_in(
        connection,
        process_guru_webhook.JOB.task,
        payloads,
        source="reconciliation",
        tags=(process_guru_webhook.FROM_GURU,),
    )
    events = [Event(PAYMENT_DIFFERENCE, SOURCE, one.agency_id, asdict(one)) for one in differences]
    await alerts.add(connection, events, context.clock)
    told = [
        {"agencyId": one.agency_id, "plan": one.plan, "planByGuru": one.plan_by_guru, "reason": one.reason}
        for one in differences
    ]
    return {"success": True, "checked": checked, "differences": told, "applied": len(payloads)}


JOB = Job(
    task="reconcile-payments",
    summary=Text("Compara os planos com a Guru", "Compares the plans with Guru"),
    accepted=Text("Conferência iniciada", "Reconciliation started"),
    uses=Payments,
    payload=Payload,
    run=run,
    schedule=Schedule("30 3 * * *"),
    limits=Limits(attempts=3, max_duration=3600),
)
