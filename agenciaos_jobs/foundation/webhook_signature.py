"""Signatures of webhooks (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

TOLERANCE = timedelta(minutes=5)


class BadSignature(Exception):  # noqa: N818
    """The delivery is not from who knows the secret, or not from now; the message says which."""


class Verifier:
    """Knows whose deliveries to believe: those signed with one of ``secrets`` (``whsec_…``, or any text)."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._keys = [_key(secret) for secret in secrets]

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raises :class:`BadSignature` unless ``webhook-signature`` holds a signature of this very delivery."""
        if not self._keys:
            raise BadSignature("no secret is configured")
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        identity, moment, given = (headers.get(name, "") for name in names)
        if not (identity and moment and given):
            raise BadSignature("expected the headers webhook-id, webhook-timestamp and webhook-signature")
        _check_age(moment, now)
        signed = b".".join((identity.encode("utf-8", "surrogateescape"), moment.encode(), body))
        offered = [text.removeprefix("v1,").encode("utf-8", "surrogateescape") for text in given.split(" ")]
        if not any(hmac.compare_digest(sign(key, signed), signature) for key in self._keys for signature in offered):
            raise BadSignature("the signature does not match")


def sign(key: bytes, signed: bytes) -> bytes:
    """The signature, in base64."""
    return base64.b64encode(hmac.new(key, signed, sha256).digest())


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("expected base64 after whsec_") from None


def _check_age(moment: str, now: datetime) -> None:
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 11):
        raise BadSignature("webhook-timestamp is no unix time")
    if abs(now - datetime.fromtimestamp(int(moment), UTC)) > TOLERANCE:
        raise BadSignature("webhook-timestamp is more than five minutes from now")
