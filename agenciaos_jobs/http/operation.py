"""One declaration per endpoint: its route and its part of the OpenAPI document."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import auth, rate_limits
from agenciaos_jobs.http.scopes import TokenAccess

PROBES = {"/healthz", "/readyz", "/metrics"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Operation:
    """An endpoint. ``request`` is the body's model or JSON Schema; ``answers`` maps each status to its model.

    ``media`` describes a body of other media types, each with its schema: for NDJSON that of a line.
    ``is_body_optional``: the body may be absent.

    ``parameters`` are those of the path and ``query`` those of the query string; each maps names to JSON Schemas.

    ``problems`` are the error statuses it may return, besides 401 where a key is needed. ``token_access`` opens it to
    public tokens. ``body_auth`` handles requests without a key that authenticate themselves in the body; it returns
    ``None`` for any other.
    """

    method: str
    path: str
    handler: Handler
    summary: Text
    answers: Mapping[int, type[BaseModel] | str]
    request: type[BaseModel] | Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None
    media: Mapping[str, type[BaseModel] | Mapping[str, Any]] = field(default_factory=dict)
    is_body_optional: bool = False
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    needs_key: bool = True
    token_access: TokenAccess | None = None
    body_auth: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None

    def add_to(self, app: web.Application) -> None:
        app.router.add_route(self.method, self.path, self._keyed if self.needs_key else self._open)

    @property
    def is_probe(self) -> bool:
        """Whether balancers and monitors poll it, and no rate limit applies."""
        return self.path in PROBES

    async def _open(self, request: web.Request) -> web.StreamResponse:
        if not self.is_probe:
            rate_limits.count_address(request)
        return await self.handler(request)

    async def _keyed(self, request: web.Request) -> web.StreamResponse:
        if auth.count(request) is None:
            if self.body_auth and (answered := await self.body_auth(request)):
                return answered
            await auth.authorize(request, self.token_access)
        return await self.handler(request)
