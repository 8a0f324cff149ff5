"""Public tokens: JWTs that Trigger.dev's SDKs sign with the secret key, for use in browsers."""

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any

import jwt
from jwt.types import Options
from pydantic import BaseModel, ConfigDict, Field, ValidationError

ISSUER = "https://id.trigger.dev"
AUDIENCE = "https://api.trigger.dev"

CLAIMS: dict[str, Any] = {"sub": "env_agenciaos", "pub": True}
"""The claims that the SDKs put into the tokens they sign."""

# Times are checked against our own clock, and the length of the key is up to the operator.
_OPTIONS: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "require": ["exp", "iss", "aud"],
}


_MAX_EXP = 253_000_000_000  # the year 9987


@dataclass(frozen=True)
class PublicToken:
    """A token's scopes and expiry, and the columns that its subscriptions must not return.

    ``is_single_use`` limits it to one trigger, for which it is known by its ``digest``. ``agency_id`` is the only
    agency that it may trigger for, if it names one.
    """

    scopes: frozenset[str]
    expires_at: datetime
    skipped_columns: frozenset[str] = frozenset()
    is_single_use: bool = False
    digest: bytes = b""
    agency_id: str | None = None


class _Realtime(BaseModel):
    model_config = ConfigDict(strict=True)

    skipColumns: list[str] = []  # noqa: N815


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True)

    pub: bool
    exp: Annotated[float, Field(ge=0, le=_MAX_EXP)]
    sub: str = ""
    otu: bool = False
    nbf: float = 0
    scopes: list[str] = []
    realtime: _Realtime | None = None


def read(token: str, key: str, now: datetime) -> PublicToken | None:
    """The verified token; ``None`` if the signature (HS256 with ``key``), issuer, audience or validity is wrong."""
    if not token.isascii():
        return None
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
    return PublicToken(
        frozenset(claims.scopes),
        datetime.fromtimestamp(claims.exp, UTC),
        frozenset(skipped),
        claims.otu,
        sha256(token.encode()).digest(),
        _agency_of(claims),
    )


def mint(key: str, scopes: list[str], now: datetime, life: timedelta = timedelta(hours=1)) -> str:
    """A token that reads what ``scopes`` name, as the SDKs sign them with the secret key."""
    claims = CLAIMS | {"scopes": scopes, "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + life}
    with warnings.catch_warnings(category=jwt.InsecureKeyLengthWarning, action="ignore"):
        return jwt.encode(claims, key, algorithm="HS256")


def _agency_of(claims: _Claims) -> str | None:
    """The agency that ``sub`` or a scope names as ``agency:<id>``."""
    named = (text.partition(":") for text in (claims.sub, *claims.scopes))
    return next((name for kind, _, name in named if kind == "agency" and name), None)


def looks_like_one(text: str) -> bool:
    """Whether the text has the form of a JWT (RFC 7519 section 3), valid or not."""
    return text.startswith("eyJ") and text.count(".") == 2
