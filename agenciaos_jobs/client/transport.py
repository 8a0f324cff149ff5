"""Requests to the service, repeated where that is safe and may help."""

import asyncio
import json
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel

from agenciaos_jobs.client.errors import APIConnectionError, error_of

REQUEST_KEY = "x-trigger-request-idempotency-key"
"""The same in each attempt of one request: the service makes one run of them, as with Trigger.dev's SDK."""

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 60.0
_PASSING = {408, 429, 500, 502, 503, 504}

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Response:
    """A response that was read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """HTTP with the key, in up to ``attempts`` attempts of ``timeout`` seconds each."""

    def __init__(self, url: str, key: str, *, attempts: int, timeout: float) -> None:
        self._url, self._key, self._attempts = url.rstrip("/"), key, attempts
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    @property
    def key(self) -> str:
        return self._key

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def call(
        self,
        model: type[M],
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> M:
        """The response as a model. Raises as :meth:`send`."""
        response = await self.send(method, path, body, query=query, headers=headers)
        return model.model_validate_json(response.body)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accepted: Collection[int] = (),
    ) -> Response:
        """The response. Lost connections, 408, 429 and most of 500 and above are tried again.

        Raises :class:`APIError` for a status of 400 or above that is not ``accepted``, and
        :class:`APIConnectionError`.
        """
        sent = {"Authorization": f"Bearer {self._key}", REQUEST_KEY: secrets.token_hex(16), **(headers or {})}
        request: dict[str, Any] = {"params": query, "headers": sent, "timeout": self._timeout}
        if body is not None:
            sent["Content-Type"] = "application/json"
            request["data"] = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        for attempt in count(1):
            try:
                response = await self._once(method, path, request)
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == self._attempts:
                    raise APIConnectionError(f"{method} {path}: {type(error).__name__}: {error}") from error
                await asyncio.sleep(_backoff(attempt))
                continue
            if response.status < 400 or response.status in accepted:
                return response
            if attempt == self._attempts or not _may_help(response):
                raise error_of(response.status, _problem(response.body))
            await asyncio.sleep(max(_backoff(attempt), _requested_wait(response.headers)))
        raise AssertionError("unreachable")

    async def _once(self, method: str, path: str, request: Any) -> Response:
        async with self._open().request(method, self._url + path, **request) as response:
            return Response(response.status, response.headers, await response.read())

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session


def _may_help(response: Response) -> bool:
    return response.status in _PASSING and response.headers.get("x-should-retry") != "false"


def _backoff(attempt: int) -> float:
    """Seconds before the next attempt: doubled each time, and shortened at random, so that many callers spread."""
    longest: float = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 1))
    return longest * (0.5 + secrets.randbelow(1000) / 2000)


def _requested_wait(headers: Mapping[str, str]) -> float:
    """The requested wait in seconds: ``Retry-After``, or until ``x-ratelimit-reset`` (Unix milliseconds)."""
    seconds, reset = headers.get("Retry-After", ""), headers.get("x-ratelimit-reset", "")
    if seconds.isdecimal():
        return min(_LONGEST_WAIT, float(seconds))
    return min(_LONGEST_WAIT, max(0.0, int(reset) / 1000 - time.time())) if reset.isdecimal() else 0.0


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"error": body[:500].decode("utf-8", "replace")}
