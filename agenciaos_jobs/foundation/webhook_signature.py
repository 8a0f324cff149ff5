"""Signatures of webhooks (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

PREFIX = "whsec_"


class BadSignatureError(Exception):
    """The delivery is not from who knows the secret, or not from now; the message says which."""


def key_of(secret: str) -> bytes:
    """The key in ``whsec_`` and the base64 of 24 to 64 bytes, with or without its padding.

    Raises :class:`ValueError`, whose message says what is expected and nothing of the secret.
    """
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not (secret.startswith(PREFIX) and 24 <= len(key) <= 64):
        raise ValueError("expected whsec_ and the base64 of 24 to 64 bytes")
    return key


def text_of(key: bytes) -> str:
    """The secret that holds this key, in its full form."""
    return PREFIX + base64.b64encode(key).decode()


def headers_of(keys: Sequence[bytes], message_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    """The three headers: HMAC-SHA256 over id, unix seconds and body with dots between them, by each key."""
    timestamp = str(int(moment.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.new(key, signed, sha256).digest()).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
