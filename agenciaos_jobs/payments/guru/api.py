"""Digital Manager Guru's REST API: https://docs.digitalmanager.guru/developers."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import aiohttp

from agenciaos_jobs.engine.model.job import GiveUp, Json, RetryLater
from agenciaos_jobs.engine.pacing.upstream import RateLimitedError, UnavailableError
from agenciaos_jobs.foundation.backoff import retry_after
from agenciaos_jobs.foundation.clock import Clock

_TIMEOUT = aiohttp.ClientTimeout(total=15)
_MAX_WAIT = timedelta(minutes=10)


class GuruAPI:
    """Client of the REST API. Never retries, because retries belong to the run. Amounts are Decimals."""

    def __init__(self, clock: Clock, *, api_key: str, base_url: str, timeout: aiohttp.ClientTimeout = _TIMEOUT) -> None:
        self._clock, self._base_url = clock, base_url
        headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)

    async def transaction(self, transaction_id: str) -> Json | None:
        """A sale; ``None`` if Guru has none with this id.

        Every call raises :class:`RateLimitedError` for 429, :class:`UnavailableError` for timeouts and outages,
        :class:`RetryLater` for other transient errors, else :class:`GiveUp`.
        """
        return await self._get(f"/transactions/{quote(transaction_id, safe='')}")

    async def subscription(self, name: str) -> Json | None:
        """A subscription by its uuid or code; ``None`` if Guru has none."""
        return await self._get(f"/subscriptions/{quote(name, safe='')}")

    async def ping(self) -> None:
        """Sends a request without effect, to check the API key. Raises like :meth:`transaction`."""
        await self._get("/subscriptions", contact_email="check@agenciaos.invalid")

    async def close(self) -> None:
        await self._session.close()

    async def _get(self, path: str, **parameters: str) -> Json | None:
        try:
            async with self._session.get(self._base_url + path, params=parameters) as response:
                if response.status == 404:
                    return None
                if response.status != 200:
                    raise self._refusal(response)
                found = json.loads(await response.read(), parse_float=Decimal)
        except TimeoutError as error:
            raise UnavailableError("guru_timeout", "Guru did not answer in time") from error
        except (aiohttp.ClientError, asyncio.IncompleteReadError, OSError) as error:
            raise UnavailableError("guru_unreachable", f"Guru could not be reached: {type(error).__name__}") from error
        except (ValueError, RecursionError) as error:
            raise RetryLater("guru_malformed", "Guru's answer was not JSON") from error
        return _body(found)

    def _refusal(self, response: aiohttp.ClientResponse) -> GiveUp | RetryLater:
        code, message = f"guru_http_{response.status}", f"Guru answered {response.status}"
        if response.status not in {408, 425, 429} and response.status < 500:
            return GiveUp(code, message)
        wait = retry_after(response.headers.get("Retry-After"), self._clock.now(), max_wait=_MAX_WAIT)
        kind = RateLimitedError if response.status == 429 else UnavailableError
        return kind(code, message, after=wait)


def _body(found: Any) -> Json:
    """The object, unwrapped from ``data`` if necessary."""
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]
    if not isinstance(found, dict):
        raise RetryLater("guru_malformed", "Guru's answer was no object")
    return found
