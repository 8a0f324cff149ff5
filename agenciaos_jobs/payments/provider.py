"""What a payment provider is to this service: a folder with one class, listed in ``providers.py``."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent, capped

CheckResult = tuple[Literal["ok", "warning", "fault"], str, str]
"""The state of one thing that was checked, its name, and what was found or what to do about it."""


class NotAuthenticError(Exception):
    """A delivery does not come from the provider. ``text`` names what was compared, and the setting."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class NotConfiguredError(NotAuthenticError):
    """No delivery can be authenticated, because a setting is missing. The sender is to retry later."""


class Provider(Protocol):
    """A payment provider: authenticates and reads its webhooks, and confirms them where it has an API.

    ``name`` is that of its webhook (``/webhooks/{name}``), of its task (``process-{name}-webhook``) and the source of
    its records, so it never changes; ``label`` is its name for people, and ``credential`` names what authenticates its
    webhooks. ``webhook_schema`` is the JSON Schema of a webhook's body.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    credential: ClassVar[str]
    webhook_schema: ClassVar[Mapping[str, Any]]

    def __init__(self, settings: Any, clock: Clock) -> None: ...

    @staticmethod
    def recognises(body: Any) -> bool:
        """Whether a parsed body at ``/api/trigger`` is a webhook of this provider, passed on by the application."""
        ...

    def authenticate(self, body: bytes, headers: Mapping[str, str]) -> Json:
        """What is stored of an authentic delivery: all of it but its secrets, whether it can be understood or not.

        Raises :class:`NotAuthenticError` or :class:`NotConfiguredError`.
        """
        ...

    @staticmethod
    def read(payload: Json, received_at: datetime) -> PaymentEvent | NotUnderstood:
        """The event of a stored delivery, or of an answer of the API. Never raises.

        ``purchase_id`` must differ from those of other providers.
        """
        ...

    @property
    def has_api(self) -> bool:
        """Whether events can be confirmed and purchases fetched."""
        ...

    async def confirm(self, event: PaymentEvent, now: datetime) -> str | None:
        """How the provider's own data contradicts an event, in words; ``None`` if it confirms it.

        Raises ``RateLimitedError`` where its limit is reached, ``UnavailableError`` where it is down, ``RetryLater``
        for other transient errors of its API, and ``GiveUp`` for the rest.
        """
        ...

    async def fetch(self, purchase_id: str) -> Json | None:
        """The present data of a purchase, to be read like a webhook; ``None`` if unknown. Raises like ``confirm``."""
        ...

    def check(self) -> AsyncIterator[CheckResult]:
        """Checks settings and API for ``agenciaos-jobs check``."""
        ...

    async def close(self) -> None: ...


def read(provider: type[Provider] | Provider, payload: Json, received_at: datetime) -> PaymentEvent | NotUnderstood:
    """The event of a stored delivery, with dates in the future capped to the delivery's."""
    event = provider.read(payload, received_at)
    return event if isinstance(event, NotUnderstood) else capped(event, received_at)
