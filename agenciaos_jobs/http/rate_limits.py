"""Rate limits: by key, and by address for requests without a key.

The headers are those of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/. Each server counts
independently, so a limit holds per server.
"""

import time
from typing import Literal

from aiohttp import web

from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.fixed_window import WINDOW, FixedWindow
from agenciaos_jobs.http.keys import QUOTA, WINDOWS
from agenciaos_jobs.http.problems import RequestError

Policy = Literal["key", "address"]

_TOO_MANY = Text(
    "Requisições demais; tente novamente em alguns segundos", "Too many requests; try again in a few seconds"
)


def count_key(request: web.Request, name: str) -> None:
    """Counts a request against this key's limit; raises 429 when exceeded."""
    _count(request, "key", name)


def count_address(request: web.Request) -> None:
    """Counts a request against this address's limit; raises 429 when exceeded."""
    _count(request, "address", address_of(request))


def uncount_address(request: web.Request) -> None:
    """Takes back a request that was counted against its address, and turned out to be authentic."""
    request.app[WINDOWS]["address"].give_back(address_of(request))
    request[QUOTA] = None


def _count(request: web.Request, policy: Policy, caller: str) -> None:
    window: FixedWindow = request.app[WINDOWS][policy]
    if not window.limit:
        return
    quota = window.hit(caller, time.monotonic())
    headers = {
        "RateLimit-Policy": f'"{policy}";q={quota.limit};w={WINDOW}',
        "RateLimit": f'"{policy}";r={max(quota.remaining, 0)};t={quota.seconds}',
    }
    request[QUOTA] = headers
    if quota.remaining < 0:
        metrics.RATE_LIMITED.labels(policy).inc()
        raise RequestError(429, _TOO_MANY, headers={"Retry-After": str(quota.seconds)})


def add_rate_limit_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the remaining quota to the response."""
    if quota := request[QUOTA]:
        response.headers.update(quota)
