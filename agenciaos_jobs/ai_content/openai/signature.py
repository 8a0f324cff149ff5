"""The signature of deliveries to OpenAI's webhook."""

from collections.abc import Iterable, Mapping

from agenciaos_jobs.ai_content.openai.lazy import Lazy
from agenciaos_jobs.ai_content.openai.library import verifier
from agenciaos_jobs.foundation import webhook_signature


class OpenAIWebhook:
    """Verifies what comes to OpenAI's webhook: deliveries signed with one of ``secrets``, of the last five minutes.

    While the secret is rotated there are two.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [webhook_signature.text_of(webhook_signature.key_of(secret)) for secret in secrets]
        self._library = Lazy(verifier)

    async def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ``BadSignatureError`` with the reason unless one of the secrets signed the delivery."""
        if not self._secrets:
            raise webhook_signature.BadSignatureError("no secret is configured")
        if not headers.get("webhook-signature", "").isascii():
            raise webhook_signature.BadSignatureError("webhook-signature is not ASCII")
        webhooks = (await self._library.get()).webhooks
        reason = ""
        for secret in self._secrets:
            try:
                return webhooks.verify_signature(body, headers, secret=secret)
            except ValueError as error:
                reason = str(error)
        raise webhook_signature.BadSignatureError(reason)
