"""Alerts to any address, signed as Standard Webhooks (https://www.standardwebhooks.com)."""

import socket
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import aiohttp
import orjson
from yarl import URL

from agenciaos_jobs.alerts.channels.public_addresses import PrivateAddressError, PublicResolver, public_connector
from agenciaos_jobs.alerts.message import AlertMessage, ChannelError
from agenciaos_jobs.foundation.backoff import retry_after
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.webhook_signature import headers_of, key_of

_TIMEOUT = aiohttp.ClientTimeout(total=20)


class SignedWebhook:
    """Posts signed JSON to one address. Redirects are not followed; failures are raised as :class:`ChannelError`."""

    def __init__(self, url: str, secrets: Sequence[str], clock: Clock, *, private: bool, setting: str) -> None:
        """``secrets``: the signing secret and, during a rotation, the previous one; receivers accept either.

        ``private``: whether the address may be in a private network; ``setting`` is the setting that allows it.
        """
        self._url, self._keys, self._clock = url, [key_of(secret) for secret in secrets], clock
        self._private, self._setting = private, setting

    async def post(self, message_id: str, kind: str, timestamp: str, data: Any) -> None:
        """Posts ``type``, ``timestamp`` and ``data``; a receiver takes each ``message_id`` once."""
        body = orjson.dumps({"type": kind, "timestamp": timestamp, "data": data}, default=str)
        headers = {"Content-Type": "application/json"} | headers_of(self._keys, message_id, self._clock.now(), body)
        try:
            async with (
                self._session() as http,
                http.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                _require_success(response, self._clock.now())
        except PrivateAddressError as error:
            raise self._refused(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(cause := getattr(error, "os_error", error.__cause__), PrivateAddressError):
                raise self._refused(cause) from error
            raise ChannelError("webhook_unreachable", f"{type(error).__name__}: {error}", is_final=False) from error

    async def probe(self) -> str:
        """Only resolves the name: whatever is sent would be taken for an event."""
        host = ""
        try:
            host = URL(self._url).raw_host or ""
            if not self._private:
                await PublicResolver().resolve(host, 443, socket.AF_UNSPEC)
        except PrivateAddressError as error:
            raise self._refused(error) from error
        except (OSError, ValueError) as error:
            raise ChannelError("webhook_unreachable", f"{host}: {error}", is_final=False) from error
        return f"{host} resolves; nothing was sent"

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector() if self._private else public_connector()
        return aiohttp.ClientSession(timeout=_TIMEOUT, connector=connector)

    def _refused(self, error: Exception) -> ChannelError:
        text = f"{error}: set {self._setting}=true where it is a service of your own"
        return ChannelError("webhook_address_private", text, is_final=True)


class WebhookChannel:
    """Posts each alert with its message as ``data``."""

    def __init__(self, url: str, secrets: Sequence[str], clock: Clock, *, private_too: bool = False) -> None:
        self._webhook = SignedWebhook(url, secrets, clock, private=private_too, setting="ALERT_WEBHOOK_PRIVATE")

    async def send(self, notice_id: str, message: AlertMessage) -> None:
        kind = "alert.resolved" if message.is_over else "alert.test" if message.kind == "test" else "alert.raised"
        await self._webhook.post(notice_id, kind, message.at, asdict(message))

    async def probe(self) -> str:
        return await self._webhook.probe()


def _require_success(response: aiohttp.ClientResponse, now: datetime) -> None:
    """Raises :class:`ChannelError` unless the status is 2xx.

    410 is final; so is a redirect, which would bypass the address check.
    """
    status = response.status
    if 200 <= status < 300:
        return
    wait = retry_after(response.headers.get("Retry-After"), now)
    is_final = status == 410 or 300 <= status < 400
    raise ChannelError(f"webhook_{status}", f"the receiver answered {status}", is_final=is_final, after=wait)
