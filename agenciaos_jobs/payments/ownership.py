"""Whose payment it is."""

from dataclasses import dataclass

from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.store import purchases


@dataclass(frozen=True)
class Owner:
    """The agency, or why there is none; ``contract_id`` is what the purchase goes by here."""

    contract_id: str
    agency_id: str | None
    reason: str


async def whose(executor: Executor, event: PaymentEvent) -> Owner:
    """The agency of a known purchase or customer, else one that is named, else the customer's; never a guess."""
    names = [name for name in (event.contract, event.uuid) if name]
    if held := await purchases.find(executor, names):
        return Owner(held.id, held.agency_id, "the purchase is known")
    customer, reason = event.customer, "nothing tells whose it is"
    found = await agencies.named(executor, await purchases.known_customers(executor, customer_names(event)))
    if not found and customer.tracking:
        found, reason = (
            await agencies.named(executor, list(customer.tracking)),
            "no tracking parameter is an agency's id",
        )
    if not found and customer.email:
        found, reason = await agencies.of_email(executor, customer.email), "no agency has a user with this e-mail"
    if len(found) == 1:
        return Owner(event.contract, found[0], "")
    return Owner(
        event.contract, None, reason if not found else f"{len(found)} agencies fit: {', '.join(sorted(found))}"
    )


def customer_names(event: PaymentEvent) -> list[str]:
    """What a customer is remembered by."""
    named = {
        "contract": event.contract,
        "uuid": event.uuid,
        "contact": event.customer.id,
        "email": event.customer.email,
    }
    return [f"{kind}:{name}" for kind, name in named.items() if name]
