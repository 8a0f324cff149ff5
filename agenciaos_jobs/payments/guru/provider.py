"""Digital Manager Guru as a payment provider: https://docs.digitalmanager.guru/developers."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

from pydantic import SecretStr

from agenciaos_jobs.engine.model.job import GiveUp, Json, RetryLater
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.auth import constant_time_equals
from agenciaos_jobs.payments.guru import token as guru_token
from agenciaos_jobs.payments.guru.api import GuruAPI
from agenciaos_jobs.payments.guru.confirmation import mismatch_with_api
from agenciaos_jobs.payments.guru.reader import SALE, UNREADABLE, read_stored
from agenciaos_jobs.payments.policy.event import NotUnderstood, PaymentEvent
from agenciaos_jobs.payments.provider import CheckResult, NotAuthenticError, NotConfiguredError

TOKEN_LENGTH = 40


class GuruSettings(Protocol):
    """The settings of this provider."""

    @property
    def dmg_api_key(self) -> SecretStr | None: ...

    @property
    def dmg_api_url(self) -> str: ...

    def values_of(self, name: str) -> list[str]: ...


class Guru:
    """Guru's webhooks carry the account's token in the body, and its API takes a user's token.

    Guru retries after most error statuses, but never after 401, 403, 404, 410 or 422.
    """

    name: ClassVar[str] = "guru"
    label: ClassVar[str] = "Guru"
    credential: ClassVar[str] = "api_token (DMG_WEBHOOK_SECRET)"
    webhook_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "A Guru webhook, bare or as {payload: …}; kept whatever else is in it",
        "required": [guru_token.TOKEN],
        "properties": {
            guru_token.TOKEN: {"type": "string"},
            "webhook_type": {"type": "string", "enum": ["transaction", "subscription", "webhook_deactivation"]},
        },
    }

    def __init__(self, settings: GuruSettings, clock: Clock) -> None:
        self._tokens = settings.values_of("dmg_webhook_secret")
        self._api_url, key = settings.dmg_api_url, settings.dmg_api_key
        self._api = GuruAPI(clock, api_key=key.get_secret_value(), base_url=self._api_url) if key else None

    @staticmethod
    def recognises(body: Any) -> bool:
        """Whether it carries a token."""
        return guru_token.is_native(body)

    def authenticate(self, body: bytes, headers: Mapping[str, str]) -> Json:
        """The body without the token; as text if it is not JSON, or cannot be stored as such."""
        try:
            parsed = guru_token.parsed(body)
        except ValueError:
            parsed = None
        text = body.decode("utf-8", "replace")
        is_native = guru_token.is_native(parsed)
        token = self._required(list(guru_token.tokens(parsed)) if is_native else guru_token.tokens_in_text(text))
        if is_native:
            try:
                return guru_token.without_token(parsed, token)
            except ValueError:
                pass
        return {UNREADABLE: guru_token.text_without_token(text, token)}

    def _required(self, given: list[str]) -> str:
        """The account's current or previous token, whichever is among those given."""
        if not self._tokens:
            raise NotConfiguredError(_NOT_CONFIGURED)
        for known in self._tokens:
            if any(constant_time_equals(token, known) for token in given):
                return known
        raise NotAuthenticError(_WRONG_TOKEN)

    @staticmethod
    def read(payload: Json, received_at: datetime) -> PaymentEvent | NotUnderstood:
        return read_stored(payload, received_at)

    @property
    def has_api(self) -> bool:
        return self._api is not None

    async def confirm(self, event: PaymentEvent, now: datetime) -> str | None:
        assert self._api
        is_sale = event.kind == "transaction"
        answer = await (self._api.transaction(event.id) if is_sale else self._api.subscription(event.uuid or event.id))
        return mismatch_with_api(event, answer, now)

    async def fetch(self, purchase_id: str) -> Json | None:
        assert self._api
        name = purchase_id.removeprefix(SALE)
        return await (self._api.transaction(name) if purchase_id.startswith(SALE) else self._api.subscription(name))

    async def check(self) -> AsyncIterator[CheckResult]:
        yield self._check_token()
        name = "DMG_API_KEY"
        if self._api is None:
            yield "warning", name, "not set: payments are trusted on the webhook's token alone"
            return
        try:
            await self._api.ping()
        except GiveUp as error:
            yield "fault", name, f"refused by {self._api_url} ({error}): make a new user token in Guru"
        except RetryLater as error:
            yield "warning", name, f"could not be checked ({error}): is {self._api_url} reachable?"
        else:
            yield "ok", name, "accepted: plans are switched on after Guru confirms"

    def _check_token(self) -> CheckResult:
        name = "DMG_WEBHOOK_SECRET"
        if not self._tokens:
            advice = "copy the account token from Guru: without it no Guru webhook can be authenticated"
            return "warning", name, f"not set: {advice}"
        if len(self._tokens[0]) != TOKEN_LENGTH:
            return "warning", name, f"set, but Guru's account tokens have {TOKEN_LENGTH} characters: check it"
        return "ok", name, "set"

    async def close(self) -> None:
        if self._api:
            await self._api.close()


_WRONG_TOKEN = Text(
    "O api_token não é o da conta (DMG_WEBHOOK_SECRET)", "The api_token is not the account's (DMG_WEBHOOK_SECRET)"
)
_NOT_CONFIGURED = Text(
    "DMG_WEBHOOK_SECRET não está definida: nenhum webhook da Guru pode ser autenticado",
    "DMG_WEBHOOK_SECRET is not set: Guru webhooks cannot be authenticated",
)
