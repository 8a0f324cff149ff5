"""What a reconciliation found and did, and the alerts that it raises."""

from dataclasses import asdict, dataclass

from agenciaos_jobs.alerts.alert import AlertEvent
from agenciaos_jobs.alerts.store import alerts
from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import HANDED_BACK, REVOKED, Json
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.payments.alerts import PAYMENT_DIFFERENCE, silent
from agenciaos_jobs.payments.effects import current_terms
from agenciaos_jobs.payments.policy.entitlement import entitlement
from agenciaos_jobs.payments.resources import Payments
from agenciaos_jobs.payments.store import purchases, reconciliations


@dataclass(frozen=True)
class Difference:
    """An agency on another plan than its provider's data gives. ``plan_after`` is its plan after the comparison."""

    agency_id: str
    plan: str
    plan_by_provider: str
    reason: str
    plan_after: str

    @property
    def is_corrected(self) -> bool:
        return self.plan_after == self.plan_by_provider

    @property
    def as_output(self) -> Json:
        return {
            "agencyId": self.agency_id,
            "plan": self.plan,
            "planByProvider": self.plan_by_provider,
            "planAfter": self.plan_after,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Comparison:
    """What came of one agency. ``updated`` counts the purchases of which something new was stored."""

    updated: int
    difference: Difference | None


async def report(connection: Connection, *, context: RunContext[Payments], silent_ones: list[str]) -> Json:
    """Raises the alerts for differences, corrected or not, and for subscriptions that are silent even so."""
    done = list((await reconciliations.done(connection, context.run.id)).values())
    await reconciliations.drop(connection, context.run.id, context.clock.now())
    differences = [Difference(**one["difference"]) for one in done if one["difference"]]
    events = [AlertEvent(PAYMENT_DIFFERENCE, subject=one.agency_id, details=asdict(one)) for one in differences]
    events += await _still_silent(connection, context, silent_ones)
    await alerts.add(connection, events, context.clock)
    return {
        "success": True,
        "checked": len(done),
        "differences": [one.as_output for one in differences],
        "corrected": sum(one.is_corrected for one in differences),
        "updated": sum(one["updated"] for one in done),
    }


async def alert_unasked(
    connection: Connection, error_code: str, *, context: RunContext[Payments], silent_ones: list[str]
) -> None:
    """Where the provider cannot be asked, a silent subscription is alerted as without an API key."""
    if error_code not in {HANDED_BACK, REVOKED}:
        await alerts.add(connection, await _still_silent(connection, context, silent_ones), context.clock)


async def _still_silent(
    connection: Connection, context: RunContext[Payments], silent_ones: list[str]
) -> list[AlertEvent]:
    now, terms = context.clock.now(), await current_terms(connection, context.uses)
    events = []
    for agency_id in silent_ones:
        account = await purchases.account(connection, agency_id)
        given = entitlement(account.purchases, now, account.terms(terms)) if account else None
        events += silent(agency_id, given) if given else []
    return events
