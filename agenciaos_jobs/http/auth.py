"""Authorization: the secret key, and public tokens."""

import hmac
from hashlib import sha256

from aiohttp import web

from agenciaos_jobs.alerts.kinds import WRONG_TOKEN
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import public_token, rate_limits
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.keys import ALERTS, CLOCK, KEY_DIGESTS, PUBLIC_TOKEN, SECRET_KEYS
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.http.scopes import TokenAccess


def count(request: web.Request) -> str | None:
    """Counts a request against the limit of its key, or of its address; raises 429 when exceeded.

    Returns the key: ``key``, ``previous``, or none.
    """
    key = key_of(request)
    if key:
        rate_limits.count_key(request, key)
    else:
        rate_limits.count_address(request)
    return key


async def authorize(request: web.Request, token_access: TokenAccess | None = None) -> None:
    """Accepts a request without the secret key if its public token covers it, where ``token_access`` is given.

    Raises 401 without such a token, and 403 for one whose scopes do not cover the request.
    """
    given = _bearer(request)
    token = _token(request, given)
    if token is None:
        # Tokens expire in every page that stays open, so an invalid one is no alert.
        if token_access is None or not public_token.looks_like_one(given):
            request.app[ALERTS].record(WRONG_TOKEN, "api", subject=address_of(request))
        raise RequestError(401, _UNKNOWN, headers={"WWW-Authenticate": "Bearer"})
    if token_access is None:
        raise RequestError(403, _KEY_ONLY)
    await token_access(request, token.scopes)
    request[PUBLIC_TOKEN] = token


def _token(request: web.Request, given: str) -> public_token.PublicToken | None:
    now = request.app[CLOCK].now()
    tokens = (public_token.read(given, key, now) for key in request.app[SECRET_KEYS])
    return next((token for token in tokens if token), None)


def key_of(request: web.Request) -> str | None:
    """The secret key that the request carries: ``key``, ``previous``, or none."""
    digest = digest_of(_bearer(request))
    for name, expected in request.app[KEY_DIGESTS].items():
        if hmac.compare_digest(digest, expected):
            return name
    return None


def _bearer(request: web.Request) -> str:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def require_bearer(request: web.Request, expected: str) -> None:
    """Raises 401 unless the request carries ``expected`` as its bearer token."""
    if not constant_time_equals(_bearer(request), expected):
        raise RequestError(401, _OTHER_TOKEN, headers={"WWW-Authenticate": "Bearer"})


def constant_time_equals(given: str, secret: str) -> bool:
    """Compares in constant time, so that the duration reveals neither the secret nor its length."""
    return hmac.compare_digest(digest_of(given), digest_of(secret))


def digest_of(text: str) -> bytes:
    """The SHA-256 digest by which secrets are compared."""
    return sha256(text.encode("utf-8", "surrogateescape")).digest()


_UNKNOWN = Text(
    "Envie a chave em Authorization: Bearer (TRIGGER_SECRET_KEY), ou um token público válido",
    "Send the key as Authorization: Bearer (TRIGGER_SECRET_KEY), or a valid public token",
)
_OTHER_TOKEN = Text(
    "Envie o token deste endpoint em Authorization: Bearer", "Send this endpoint's token as Authorization: Bearer"
)
_KEY_ONLY = Text(
    "Um token público não permite esta ação; envie a chave (TRIGGER_SECRET_KEY)",
    "A public token does not allow this action; send the key (TRIGGER_SECRET_KEY)",
)
