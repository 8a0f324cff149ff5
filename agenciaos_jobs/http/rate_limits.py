"""Rate limits: by key, and by address for requests without a key.

The headers are those of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/, and the three
``x-ratelimit-…`` of Trigger.dev, by which its SDK waits after a 429. Each server counts independently, so a limit holds
per server.
"""

import time
from datetime import timedelta
from typing import Literal

from aiohttp import web

from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.fixed_window import WINDOW, FixedWindow
from agenciaos_jobs.http.keys import CLOCK, QUOTA, WINDOWS
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
    remaining, resets_at = max(quota.remaining, 0), request.app[CLOCK].now() + timedelta(seconds=quota.seconds)
    headers = {
        "RateLimit-Policy": f'"{policy}";q={quota.limit};w={WINDOW}',
        "RateLimit": f'"{policy}";r={remaining};t={quota.seconds}',
        "x-ratelimit-limit": str(quota.limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(round(resets_at.timestamp() * 1000)),
    }
    request[QUOTA] = headers
    if quota.remaining < 0:
        metrics.RATE_LIMITED.labels(policy).inc()
        raise RequestError(429, _TOO_MANY, headers={"Retry-After": str(quota.seconds)})


def add_rate_limit_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the remaining quota to the response."""
    if quota := request[QUOTA]:
        response.headers.update(quota)
