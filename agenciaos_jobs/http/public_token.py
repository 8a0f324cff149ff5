"""Public tokens: what Trigger.dev's SDKs mint for browsers, signed with the secret key."""

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from jwt.types import Options
from pydantic import BaseModel, ConfigDict, Field, ValidationError

ISSUER = "https://id.trigger.dev"
AUDIENCE = "https://api.trigger.dev"

CLAIMS: dict[str, Any] = {"sub": "env_agenciaos", "pub": True}
"""What the SDKs are told to put into the tokens that they mint."""

# The clock decides about times, not the library, and a key's length is the operator's.
_OPTIONS: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "require": ["exp", "iss", "aud"],
}


_FAR = 253_000_000_000  # the year 9987


@dataclass(frozen=True)
class PublicToken:
    """What the bearer may read, until when, and the columns that its subscriptions are not to show."""

    scopes: frozenset[str]
    expires_at: datetime
    skipped_columns: frozenset[str] = frozenset()


class _Realtime(BaseModel):
    model_config = ConfigDict(strict=True)

    skipColumns: list[str] = []  # noqa: N815


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True)

    pub: bool
    exp: Annotated[float, Field(ge=0, le=_FAR)]
    nbf: float = 0
    scopes: list[str] = []
    realtime: _Realtime | None = None


def read(token: str, key: str, now: datetime) -> PublicToken | None:
    """The token, or ``None`` for what is none: not signed with ``key`` by HS256, meant for others, or out of date."""
    try:
        with warnings.catch_warnings(category=jwt.InsecureKeyLengthWarning, action="ignore"):
            claims = _Claims.model_validate(
                jwt.decode(token, key, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE, options=_OPTIONS)
            )
    except (jwt.InvalidTokenError, ValidationError):
        return None
    if not claims.pub or not claims.nbf <= now.timestamp() < claims.exp:
        return None
    skipped = claims.realtime.skipColumns if claims.realtime else []
    return PublicToken(frozenset(claims.scopes), datetime.fromtimestamp(claims.exp, UTC), frozenset(skipped))


def looks_like_one(text: str) -> bool:
    """Whether the text has a token's form (RFC 7519 section 3), good or not."""
    return text.startswith("eyJ") and text.count(".") == 2
