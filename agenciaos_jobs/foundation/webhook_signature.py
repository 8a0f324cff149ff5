"""Webhook signatures (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

PREFIX = "whsec_"


class BadSignatureError(Exception):
    """The signature is wrong, or the timestamp too far from now; the message says which."""


def key_of(secret: str) -> bytes:
    """The key in a secret: ``whsec_`` and the base64 of 24 to 64 bytes, with or without padding.

    Raises :class:`ValueError` with a message that describes the format and reveals nothing of the secret.
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
    """The secret for a key, in its full form."""
    return PREFIX + base64.b64encode(key).decode()


def headers_of(keys: Sequence[bytes], message_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    """The three signature headers: an HMAC-SHA256 by each key over id, unix seconds and body, joined by dots."""
    timestamp = str(int(moment.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.new(key, signed, sha256).digest()).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
