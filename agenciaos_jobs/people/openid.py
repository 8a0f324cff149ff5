"""Logs people in at a company's identity provider: OpenID Connect's authorization code flow with PKCE.

https://openid.net/specs/openid-connect-core-1_0.html, RFC 7636 (PKCE)
"""

import asyncio
import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote_plus

import aiohttp
import jwt
from pydantic import BaseModel, Field, SecretStr, model_validator
from yarl import URL

CALLBACK = "login/oidc/callback"
"""The path to which the provider redirects, below the service's address."""

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_REQUESTS = 4
_LEEWAY = 60.0
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric ones: never a key that the client knows, and never none."""


class OpenIDSettings(BaseModel):
    """The settings of the provider. ``oidc_domains`` are those of accepted e-mail addresses, separated by commas."""

    oidc_issuer: str | None = Field(default=None, pattern=r"^(https://|http://(localhost|127\.0\.0\.1)[:/]).+")
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_domains: str | None = None

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret and self.oidc_domains):
            raise ValueError("OIDC_ISSUER needs OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and OIDC_DOMAINS")
        return self


class OpenIDError(Exception):
    """The provider does not vouch for the person, or cannot be reached; the message is for the log."""


def _random() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Attempt:
    """A login under way. Only the browser that began it has its values, in a cookie."""

    state: str = field(default_factory=_random)
    nonce: str = field(default_factory=_random)
    verifier: str = field(default_factory=_random)


class OpenID:
    """Client of one provider."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, domains: str) -> None:
        self._issuer, self._client_id, self._client_secret = issuer, client_id, client_secret
        self._domains = {domain.strip().lower() for domain in domains.split(",")}
        self._requests = asyncio.Semaphore(_REQUESTS)

    async def authorization_url(self, redirect_uri: str, attempt: Attempt) -> URL:
        """Where to send the browser. Raises :class:`OpenIDError`."""
        async with self._requests, aiohttp.ClientSession(timeout=_TIMEOUT) as http:
            provider = await self._discover(http)
        digest = hashlib.sha256(attempt.verifier.encode()).digest()
        return URL(provider["authorization_endpoint"]).update_query(
            response_type="code",
            client_id=self._client_id,
            redirect_uri=redirect_uri,
            scope="openid email",
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            code_challenge_method="S256",
        )

    async def email(self, code: str, redirect_uri: str, attempt: Attempt) -> str:
        """The verified e-mail address of whom the provider has logged in. Raises :class:`OpenIDError`."""
        async with self._requests, aiohttp.ClientSession(timeout=_TIMEOUT) as http:
            provider = await self._discover(http)
            tokens = await self._tokens(http, provider, code, redirect_uri, attempt)
            claims = await self._claims(http, provider, tokens, attempt)
            if "email" not in claims:  # scopes put claims there where an access token is issued (5.4)
                headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
                found = await self._json(http.get(provider["userinfo_endpoint"], headers=headers))
                if found.get("sub") != claims["sub"]:
                    raise OpenIDError("userinfo is about somebody else")
                claims = found
        email = str(claims.get("email", "")).lower()
        if claims.get("email_verified") is not True:
            raise OpenIDError("the address is not verified")
        if email.rpartition("@")[2] not in self._domains:
            raise OpenIDError("the address is of another domain")
        return email

    async def _discover(self, http: aiohttp.ClientSession) -> dict[str, Any]:
        found = await self._json(http.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"))
        if found.get("issuer") != self._issuer:
            raise OpenIDError("the issuer of the configuration is another one")
        return found

    async def _tokens(
        self, http: aiohttp.ClientSession, provider: dict[str, Any], code: str, redirect_uri: str, attempt: Attempt
    ) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"  # RFC 6749, 2.3.1
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        return await self._json(http.post(provider["token_endpoint"], data=form, headers=headers))

    async def _claims(
        self, http: aiohttp.ClientSession, provider: dict[str, Any], tokens: dict[str, Any], attempt: Attempt
    ) -> dict[str, Any]:
        """The ID token's claims, once its signature, issuer, audience, times and nonce are found right (3.1.3.7)."""
        keys = await self._json(http.get(provider["jwks_uri"]))
        try:
            token = str(tokens["id_token"])
            key_id = jwt.get_unverified_header(token).get("kid")
            known = [key for key in jwt.PyJWKSet.from_dict(keys).keys if key_id is None or key.key_id == key_id]
            claims: dict[str, Any] = jwt.decode(
                token,
                known[0],
                algorithms=_ALGORITHMS,
                audience=self._client_id,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "sub", "nonce"]},
            )
        except (jwt.PyJWTError, KeyError, IndexError) as error:
            raise OpenIDError(f"the ID token is invalid: {type(error).__name__}") from error
        if not secrets.compare_digest(str(claims["nonce"]).encode(), attempt.nonce.encode()):
            raise OpenIDError("the ID token is of another login")
        return claims

    async def _json(self, request: Any) -> dict[str, Any]:
        try:
            async with request as response:
                found = await response.json(content_type=None)
                if response.status != 200 or not isinstance(found, dict):
                    raise OpenIDError(f"{response.url.path} answered {response.status}")
                return found
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise OpenIDError(f"the provider could not be reached: {type(error).__name__}") from error
