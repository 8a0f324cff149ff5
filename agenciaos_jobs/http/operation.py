"""One declaration for an endpoint: its route and its part of the OpenAPI document."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import auth, cors, rate_limits
from agenciaos_jobs.http.keys import OPEN_TO_BROWSERS

PROBES = {"/healthz", "/readyz", "/metrics"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Operation:
    """An endpoint. ``request`` is the body's JSON Schema or model; ``answers`` maps each status to its model.

    ``parameters`` stand in its path, ``query`` behind it; each maps names to JSON Schemas.

    ``problems`` are the error statuses it can answer with, besides 401 where a key is asked for. ``reads`` opens it to
    public tokens, and so to browsers. ``body_auth`` may answer requests that carry no key, where it finds out
    by itself who asks; the others it leaves to be refused. ``counts_own_failures``: it counts the addresses it refuses.
    """

    method: str
    path: str
    handler: Handler
    summary: Text
    answers: Mapping[int, type[BaseModel] | str]
    request: type[BaseModel] | Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    needs_key: bool = True
    reads: auth.Names | None = None
    counts_own_failures: bool = False
    body_auth: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None

    def add_to(self, app: web.Application) -> None:
        app.router.add_route(self.method, self.path, self._keyed if self.needs_key else self._open)
        if self.reads:
            app.router.add_route("OPTIONS", self.path, cors.preflight)

    @property
    def is_probe(self) -> bool:
        """Whether balancers and monitors ask here, as often as they like."""
        return self.path in PROBES

    async def _open(self, request: web.Request) -> web.StreamResponse:
        if not (self.is_probe or self.counts_own_failures):
            rate_limits.count_address(request)
        return await self.handler(request)

    async def _keyed(self, request: web.Request) -> web.StreamResponse:
        key = auth.key_of(request)
        if self.body_auth and key is None:
            answered = await self.body_auth(request)
            if answered is not None:
                return answered
        if self.reads:
            request[OPEN_TO_BROWSERS] = True
        await auth.authorize(request, key, self.reads)
        return await self.handler(request)
