"""Which agency a payment belongs to."""

from dataclasses import dataclass

from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.payments.policy.event import PaymentEvent
from agenciaos_jobs.payments.store import purchases


@dataclass(frozen=True)
class Owner:
    """The agency, or why there is none; ``purchase_id`` is the id under which the purchase is stored.

    ``moved_to``: the agency to which the e-mail of a known purchase belongs now, if that is another one.
    """

    purchase_id: str
    agency_id: str | None
    reason: str
    moved_to: str | None = None


async def owner_of(executor: Executor, event: PaymentEvent) -> Owner:
    """The owner: by known purchase or customer, then by tracking parameter, then by e-mail; none if ambiguous."""
    names = [name for name in (event.purchase_id, event.uuid) if name]
    customer, reason = event.customer, "nothing identifies the agency"
    if held := await purchases.find(executor, names):
        others = await agencies.of_email(executor, customer.email) if customer.email else []
        moved_to = others[0] if len(others) == 1 and others[0] != held.agency_id else None
        return Owner(held.id, held.agency_id, "the purchase is known", moved_to)
    found = await agencies.named(executor, await purchases.known_customers(executor, customer_names(event)))
    if not found and customer.tracking:
        found = await agencies.named(executor, list(customer.tracking))
        reason = "no tracking parameter is an agency's id"
    if not found and customer.email:
        found = await agencies.of_email(executor, customer.email)
        reason = "no agency has an owner or a verified user with this e-mail"
    if len(found) == 1:
        return Owner(event.purchase_id, found[0], "")
    several = f"{len(found)} agencies fit: {', '.join(sorted(found))}"
    return Owner(event.purchase_id, None, several if found else reason)


def customer_names(event: PaymentEvent) -> list[str]:
    """The names by which a customer is recognised later."""
    named = {
        "contract": event.purchase_id,
        "uuid": event.uuid,
        "contact": event.customer.id,
        "email": event.customer.email,
    }
    return [f"{kind}:{name}" for kind, name in named.items() if name]
