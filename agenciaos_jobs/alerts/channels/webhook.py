"""Alerts to any address, signed as Standard Webhooks (https://www.standardwebhooks.com)."""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult

from agenciaos_jobs.alerts.message import AlertMessage, ChannelError
from agenciaos_jobs.foundation.backoff import retry_after
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.webhook_signature import headers_of, key_of

_TIMEOUT = aiohttp.ClientTimeout(total=20)


class PrivateAddressError(OSError):
    """The address is not on the public internet."""


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only; the connection uses the address that was checked."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if hidden := [item["host"] for item in found if not is_public(item["host"])]:
            raise PrivateAddressError(f"{host} is at {hidden[0]}, which is not public")
        return found

    async def close(self) -> None:
        await self._inner.close()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's, also where it hides in an IPv6 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or _nat64(ip)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    network = ipaddress.ip_network("64:ff9b::/96")
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in network else None


class WebhookChannel:
    """Posts JSON: ``type``, ``timestamp`` and the message as ``data``. Redirects are not followed."""

    def __init__(self, url: str, secrets: Sequence[str], clock: Clock, *, private_too: bool = False) -> None:
        """``secrets``: what signs, and while it is rotated the one before too; a receiver believes either."""
        self._url, self._keys, self._clock = url, [key_of(secret) for secret in secrets], clock
        self._private_too = private_too

    async def send(self, notice_id: str, message: AlertMessage) -> None:
        kind = "alert.resolved" if message.is_over else "alert.test" if message.kind == "test" else "alert.raised"
        body = orjson.dumps({"type": kind, "timestamp": message.at, "data": asdict(message)})
        headers = {"Content-Type": "application/json"} | headers_of(self._keys, notice_id, self._clock.now(), body)
        try:
            self._refuse_literal()
            async with (
                self._session() as http,
                http.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                _require_success(response, self._clock.now())
        except PrivateAddressError as error:
            raise _private(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(cause := getattr(error, "os_error", error.__cause__), PrivateAddressError):
                raise _private(cause) from error
            raise ChannelError("webhook_unreachable", f"{type(error).__name__}: {error}", is_final=False) from error

    async def probe(self) -> str:
        """Only resolves the name: whatever is sent would be taken for an alert."""
        host = urlsplit(self._url).hostname or ""
        try:
            self._refuse_literal()
            if not self._private_too and not _is_literal(host):
                await PublicResolver().resolve(host, 443, socket.AF_UNSPEC)
        except PrivateAddressError as error:
            raise _private(error) from error
        except OSError as error:
            raise ChannelError("webhook_unreachable", f"{host}: {error}", is_final=False) from error
        return f"{host} resolves; nothing was sent"

    def _session(self) -> aiohttp.ClientSession:
        resolver = None if self._private_too else PublicResolver()
        return aiohttp.ClientSession(timeout=_TIMEOUT, connector=aiohttp.TCPConnector(resolver=resolver))

    def _refuse_literal(self) -> None:
        host = urlsplit(self._url).hostname or ""
        if not self._private_too and _is_literal(host) and not is_public(host):
            raise PrivateAddressError(f"{host} is not public")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _private(error: Exception) -> ChannelError:
    text = f"{error}: set ALERT_WEBHOOK_PRIVATE=true where it is a service of your own"
    return ChannelError("webhook_address_private", text, is_final=True)


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
