"""Links that unsubscribe one address from one agency's reports, signed so that nobody can make up others."""

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256

import orjson

PATH = "/unsubscribe/reports"

_PURPOSE = b"agenciaos-jobs report unsubscribe\0"


def link(public_url: str, keys: Sequence[str], agency_id: str, email: str) -> str:
    """The address that mails carry."""
    body = base64.urlsafe_b64encode(orjson.dumps([agency_id, email])).rstrip(b"=").decode()
    return f"{public_url}{PATH}?token={body}.{_signature(keys[0], body)}"


def read(token: str, keys: Sequence[str]) -> tuple[str, str] | None:
    """The agency and the address of a link's token; ``None`` if it was not signed with one of the keys."""
    body, _, signature = token.partition(".")
    if not token.isascii() or not any(hmac.compare_digest(signature, _signature(key, body)) for key in keys):
        return None
    agency_id, email = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return agency_id, email


def _signature(key: str, body: str) -> str:
    return hmac.new(key.encode(), _PURPOSE + body.encode(), sha256).hexdigest()
