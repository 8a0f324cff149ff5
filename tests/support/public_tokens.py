"""Trigger.dev's public tokens."""

import warnings
from datetime import timedelta
from typing import Any

import jwt
from conftest import KEY

from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.http import public_token


def token(*scopes: str, key: str = KEY, algorithm: str = "HS256", life: timedelta = timedelta(hours=1), **claims: Any):
    now = SystemClock().now()
    standard = {"iss": public_token.ISSUER, "aud": public_token.AUDIENCE, "sub": "agenciaos", "pub": True}
    body = {**standard, "iat": now, "exp": now + life, "scopes": list(scopes), **claims}
    with warnings.catch_warnings(category=jwt.InsecureKeyLengthWarning, action="ignore"):
        return jwt.encode({name: value for name, value in body.items() if value is not None}, key, algorithm=algorithm)


def bearer(*scopes: str, **claims: Any) -> dict[str, str]:
    """The header of a public token."""
    return {"Authorization": f"Bearer {token(*scopes, **claims)}"}
