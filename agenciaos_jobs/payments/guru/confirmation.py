"""Confirmation of a webhook that would activate a plan, against Guru's REST API."""

from datetime import datetime

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.payments.guru.reader import PAID, read_object
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent

_ENTITLING = frozenset({"active", "trial", "pastdue"})


def mismatch_with_api(event: PaymentEvent, answer: Json | None, now: datetime) -> str | None:
    """How Guru's answer differs from the event, in words; ``None`` if it confirms the event."""
    if answer is None:
        return f"Guru knows no {event.kind} {event.id}"
    found = read_object(answer, now)
    if isinstance(found, NotUnderstood):
        return f"Guru's answer was not understood: {found.reason}"
    names = {event.id, event.purchase_id, event.uuid} if event.kind == "subscription" else {event.id}
    if found.kind != event.kind or not {found.id, found.uuid} & names:
        return f"Guru answered with {found.kind} {found.id}"
    giving = _ENTITLING if event.kind == "subscription" or event.status == "trial" else PAID
    if found.status not in giving:
        return f"Guru says that it is {found.status}"
    if event.products and found.products and not set(event.products) & set(found.products):
        return "Guru says that it is for another product"
    return None
