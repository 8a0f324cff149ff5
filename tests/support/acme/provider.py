"""Acme: a signed webhook with a body of its own and three statuses, and no API."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.policy.event import Customer, NotUnderstood, PaymentEvent, identified
from agenciaos_jobs.payments.policy.purchase import Purchase, Snapshot
from agenciaos_jobs.payments.provider import CheckResult, NotAuthenticError

SECRET = b"acme-signing-secret"
STATES = {"on": "active", "late": "pastdue", "off": "expired"}


def signature(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


class Acme:
    """Signs each body in the header ``Acme-Signature``."""

    name: ClassVar[str] = "acme"
    label: ClassVar[str] = "Acme"
    credential: ClassVar[str] = "Acme-Signature"
    webhook_schema: ClassVar[Mapping[str, Any]] = {"type": "object", "required": ["account", "state", "at"]}
    has_api = False

    def __init__(self, settings: Any, clock: Clock) -> None: ...

    @staticmethod
    def recognises(body: Any) -> bool:
        return False

    def authenticate(self, body: bytes, headers: Mapping[str, str]) -> Json:
        if not hmac.compare_digest(headers.get("Acme-Signature", ""), signature(body)):
            raise NotAuthenticError(Text("A assinatura não confere", "The signature does not match"))
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = None
        return parsed if isinstance(parsed, dict) else {"unreadable": body.decode("utf-8", "replace")}

    @staticmethod
    def read(payload: Json, received_at: datetime) -> PaymentEvent | NotUnderstood:
        account, state, at = payload.get("account"), str(payload.get("state")), payload.get("at")
        if state not in STATES:
            return NotUnderstood("unknown_status", f"state is {state!r}", state)
        try:
            moment = datetime.fromisoformat(str(at))
        except ValueError:
            return NotUnderstood("missing_date", f"at is {at!r}")
        if not isinstance(account, str) or moment.tzinfo is None:
            return NotUnderstood("missing_id", "the account or the zone is missing")
        status, product = STATES[state], (str(payload.get("product")),)
        has_ended = status == "expired"
        facts = Purchase(
            snapshot=Snapshot(moment, status, moment, products=product),
            overdue=(("", moment),) if status == "pastdue" else (),
            ended_at=moment if has_ended else None,
            ended_as=status if has_ended else "",
            was_paid=status == "active",
        )
        customer = Customer(email=str(payload.get("email", "")).lower() or None)
        purchase_id = f"acme:{account}"
        event = PaymentEvent("subscription", account, status, moment, "", purchase_id, None, product)
        return identified(PaymentEvent(**vars(event) | {"customer": customer, "facts": facts}))

    async def confirm(self, event: PaymentEvent, now: datetime) -> str | None:
        raise NotImplementedError

    async def fetch(self, purchase_id: str) -> Json | None:
        raise NotImplementedError

    async def check(self) -> AsyncIterator[CheckResult]:
        yield "ok", "ACME", "has no settings"

    async def close(self) -> None: ...
