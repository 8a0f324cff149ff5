"""A model with a limit, as OpenAI and its gateways have them: ``python -m bench.limited_model PORT KIND``.

``rate``: two requests a second, and a Retry-After in whole seconds. ``window``: 42 requests in each minute, and a
Retry-After until the next one. ``tokens``: a budget of tokens that fills again, with ``x-ratelimit-reset-tokens`` and
no Retry-After. ``outage``: 503 for half a minute after the fifth call. ``GET /calls`` returns how many calls came.
"""

import asyncio
import math
import sys
import time

import uvloop
from aiohttp import web

from agenciaos_jobs.dev import model

SECONDS = 0.3
_RATE, _BURST = 2.0, 2.0
_WINDOW, _PER_WINDOW = 60.0, 42
_TOKENS_PER_CALL, _TOKENS_PER_MINUTE = 1_000, 60_000
_OUTAGE, _BEFORE = 30.0, 5


class Bucket:
    """A token bucket; ``take`` returns 0, or the seconds until there is enough."""

    def __init__(self, rate: float, capacity: float) -> None:
        self._rate, self._capacity = rate, capacity
        self._level, self._at = capacity, time.monotonic()

    def take(self, amount: float = 1) -> float:
        now = time.monotonic()
        self._level, self._at = min(self._capacity, self._level + (now - self._at) * self._rate), now
        if self._level < amount:
            return (amount - self._level) / self._rate
        self._level -= amount
        return 0


class Limits:
    """The limit of a kind; ``refusal`` returns the status and headers of a refused call, or ``None``."""

    def __init__(self, kind: str) -> None:
        self.kind, self.calls = kind, 0
        self._rate = Bucket(_RATE, _BURST)
        self._tokens = Bucket(_TOKENS_PER_MINUTE / 60, _TOKENS_PER_MINUTE / 6)
        self._window, self._in_window = 0.0, 0
        self._down_until: float | None = None

    def refusal(self) -> tuple[int, dict[str, str]] | None:
        self.calls += 1
        return getattr(self, f"_{self.kind}_refusal")()

    def _rate_refusal(self) -> tuple[int, dict[str, str]] | None:
        wait = self._rate.take()
        return (429, {"Retry-After": str(math.ceil(wait))}) if wait else None

    def _window_refusal(self) -> tuple[int, dict[str, str]] | None:
        now = time.monotonic()
        if now >= self._window + _WINDOW:
            self._window, self._in_window = now, 0
        self._in_window += 1
        if self._in_window <= _PER_WINDOW:
            return None
        return 429, {"Retry-After": str(math.ceil(self._window + _WINDOW - now))}

    def _tokens_refusal(self) -> tuple[int, dict[str, str]] | None:
        wait = self._tokens.take(_TOKENS_PER_CALL)
        return (429, {"x-ratelimit-reset-tokens": f"{wait:.3f}s"}) if wait else None

    def _outage_refusal(self) -> tuple[int, dict[str, str]] | None:
        now = time.monotonic()
        if self.calls > _BEFORE and self._down_until is None:
            self._down_until = now + _OUTAGE
        return (503, {}) if self._down_until and now < self._down_until else None


LIMITS = web.AppKey("limits", Limits)


async def respond(request: web.Request) -> web.Response:
    await request.read()
    refusal = request.app[LIMITS].refusal()
    if refusal:
        status, headers = refusal
        kind = "tokens" if request.app[LIMITS].kind == "tokens" else "requests"
        error = {"message": "Rate limit reached", "type": kind, "code": "rate_limit_exceeded"}
        return web.json_response({"error": error if status == 429 else {}}, status=status, headers=headers)
    await asyncio.sleep(SECONDS)
    return await model.respond(request)


async def calls(request: web.Request) -> web.Response:
    return web.json_response(request.app[LIMITS].calls)


if __name__ == "__main__":
    app = web.Application()
    app[LIMITS] = Limits(sys.argv[2])
    app.router.add_post("/v1/responses", respond)
    app.router.add_get("/calls", calls)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=uvloop.new_event_loop())
