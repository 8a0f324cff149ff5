"""Who may ask."""

import hmac
from collections.abc import Awaitable, Callable, Collection
from hashlib import sha256

from aiohttp import web

from agenciaos_jobs.core.alert import Kind
from agenciaos_jobs.core.scope import may_read
from agenciaos_jobs.web import limits, public_token
from agenciaos_jobs.web.address import address_of
from agenciaos_jobs.web.keys import APP, CLOCK, PUBLIC_TOKEN, SECRET_KEYS
from agenciaos_jobs.web.language import Text
from agenciaos_jobs.web.problems import HttpProblem

Names = Callable[[web.Request], Awaitable[Collection[str]]]
"""What a request reads, by the names that a public token's scopes may give it: see :func:`may_read`."""


async def admit(request: web.Request, reads: Names | None = None) -> None:
    """Lets the secret key through and, where ``reads`` is given, a public token that may read what is asked for.

    Refuses with 401 what is neither, with 403 a token whose scopes do not cover the request, with 429 what is too much.
    """
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    given = given.strip()
    is_bearer = scheme.lower() == "bearer"
    keys = request.app[SECRET_KEYS]
    for name, key in zip(("key", "previous"), keys, strict=False):
        if is_bearer and is_same(given, key):
            limits.count_key(request, name)
            return
    limits.count_address(request)
    token = _token(request, given)
    if not is_bearer or token is None:
        if reads is None or not public_token.looks_like_one(given):  # those run out in every page that stays open
            request.app[APP].alert(Kind.WRONG_TOKEN, "api", subject=address_of(request))
        raise HttpProblem(401, _UNKNOWN, headers={"WWW-Authenticate": "Bearer"})
    if reads is None or not may_read(token.scopes, await reads(request)):
        raise HttpProblem(403, _OUT_OF_SCOPE)
    request[PUBLIC_TOKEN] = token


def _token(request: web.Request, given: str) -> public_token.PublicToken | None:
    now = request.app[CLOCK].now()
    tokens = (public_token.read(given, key, now) for key in request.app[SECRET_KEYS])
    return next((token for token in tokens if token), None)


def has_key(request: web.Request) -> bool:
    """Whether the request carries a secret key."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    matches = [is_same(given.strip(), key) for key in request.app[SECRET_KEYS]]
    return scheme.lower() == "bearer" and any(matches)


def is_same(given: str, secret: str) -> bool:
    """Compares in a time that tells nothing of the secret, not even its length."""
    digests = (sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (given, secret))
    return hmac.compare_digest(*digests)


_UNKNOWN: Text = {
    "pt": "Envie a chave em Authorization: Bearer (TRIGGER_SECRET_KEY), ou um token público válido",
    "en": "Send the key as Authorization: Bearer (TRIGGER_SECRET_KEY), or a valid public token",
}
_OUT_OF_SCOPE: Text = {
    "pt": "Os escopos deste token público não incluem esta leitura",
    "en": "The scopes of this public token do not cover this request",
}
