"""Compares every plan with Guru's data, and reports the differences."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial

import orjson
from pydantic import BaseModel, ConfigDict

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import CommitWith, Job, Json, Limits, RetryLater, Schedule
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.alerts import PAYMENT_DIFFERENCE
from agenciaos_jobs.payments.guru.api import GuruAPI
from agenciaos_jobs.payments.guru.reader import read_object
from agenciaos_jobs.payments.jobs import process_guru_webhook
from agenciaos_jobs.payments.policy.entitlement import choose, evaluate
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.policy.guru_decision import SOURCE, Account
from agenciaos_jobs.payments.policy.purchase import Purchase
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import purchases

LOOK_BACK = timedelta(days=90)
"""How long after its last event an agency without a plan is still compared."""

_ATTEMPTS = 5
_WAIT = timedelta(seconds=2)


class Payload(BaseModel):
    """Empty: every plan is compared."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"title": "ReconcilePayments"})


@dataclass(frozen=True)
class Difference:
    """An agency whose plan differs from the one that Guru's data gives."""

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
            found = await _fetch_purchases(context.uses.guru, account)
            if difference := _difference(context, agency_id, account, found):
                differences.append(difference)
                answers += [answer for answer in found.values() if answer]
                context.log.warning(
                    "payment_difference",
                    agency_id=agency_id,
                    plan=difference.plan,
                    plan_by_guru=difference.plan_by_guru,
                )
    return CommitWith(
        partial(_apply, context=context, checked=len(agency_ids), differences=differences, answers=answers)
    )


async def _fetch_purchases(guru: GuruAPI, account: Account) -> dict[str, Json | None]:
    """Guru's data for each purchase; ``None`` for those it does not know."""
    found: dict[str, Json | None] = {}
    for purchase_id in account.purchases:
        is_sale, name = purchase_id.startswith("sale:"), purchase_id.removeprefix("sale:")
        found[purchase_id] = await _with_retries(partial(guru.transaction if is_sale else guru.subscription, name))
    return found


async def _with_retries(call: Callable[[], Awaitable[Json | None]]) -> Json | None:
    for _ in range(_ATTEMPTS - 1):
        try:
            return await call()
        except RetryLater as error:
            await asyncio.sleep((error.after or _WAIT).total_seconds())
    return await call()


def _difference(
    context: RunContext[Payments], agency_id: str, account: Account, found: dict[str, Json | None]
) -> Difference | None:
    """The plan that Guru's present data gives, if it differs from the agency's."""
    now, known = context.clock.now(), dict(account.purchases)
    missing = [purchase_id for purchase_id, answer in found.items() if answer is None]
    for purchase_id, answer in found.items():
        event = read_object(answer, now)
        if isinstance(event, PaymentEvent):
            known[purchase_id] = known[purchase_id].merge(event.facts)
        if answer is None:
            known[purchase_id] = Purchase()
    entitlement = choose(evaluate(purchase, now, context.uses.terms) for purchase in known.values())
    if entitlement is None or entitlement.plan == account.plan:
        return None
    reason = f"Guru knows no {', '.join(missing)}" if missing else f"by Guru's data: {entitlement.code}"
    return Difference(agency_id, account.plan, entitlement.plan, reason)


async def _apply(
    connection: Connection,
    *,
    context: RunContext[Payments],
    checked: int,
    differences: list[Difference],
    answers: list[Json],
) -> Json:
    """Raises the alerts. With ``reconcile_apply``, processes Guru's answers as if they had been delivered."""
    applied = answers if context.uses.reconcile_apply else []
    payloads: list[tuple[Json, Json]] = [(orjson.loads(orjson.dumps(answer, default=str)), {}) for answer in applied]
    await context.trigger_all_in(
        connection,
        process_guru_webhook.JOB.task,
        payloads,
        source="reconciliation",
        tags=(process_guru_webhook.FROM_GURU,),
    )
    events = [AlertEvent(PAYMENT_DIFFERENCE, SOURCE, one.agency_id, asdict(one)) for one in differences]
    await alerts.add(connection, events, context.clock)
    listed = [
        {"agencyId": one.agency_id, "plan": one.plan, "planByGuru": one.plan_by_guru, "reason": one.reason}
        for one in differences
    ]
    return {"success": True, "checked": checked, "differences": listed, "applied": len(payloads)}


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
