"""Who may ask."""

import hmac
from hashlib import sha256

from aiohttp import web

from agenciaos_jobs.core.alert import Kind
from agenciaos_jobs.web.keys import APP, SECRET_KEY
from agenciaos_jobs.web.language import Text
from agenciaos_jobs.web.problems import HttpProblem


def require_key(request: web.Request) -> None:
    """Refuses with 401 whoever does not send ``Authorization: Bearer`` and the secret key."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not is_same(given.strip(), request.app[SECRET_KEY]):
        request.app[APP].alert(Kind.WRONG_TOKEN, "api", subject=request.remote)
        text: Text = {
            "pt": "Envie a chave em Authorization: Bearer (TRIGGER_SECRET_KEY)",
            "en": "Send the key as Authorization: Bearer (TRIGGER_SECRET_KEY)",
        }
        raise HttpProblem(401, text, headers={"WWW-Authenticate": "Bearer"})


def is_same(given: str, secret: str) -> bool:
    """Compares in a time that tells nothing of the secret, not even its length."""
    digests = (sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (given, secret))
    return hmac.compare_digest(*digests)
