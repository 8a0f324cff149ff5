"""A connector for the public internet only: every address is checked at the moment it is dialed.

A check of the URL would miss what the address becomes later: a DNS name may change between two lookups, and HTTP
clients rewrite hosts such as ``①②⑦.⓪.⓪.①`` into an address without a lookup.
"""

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType


class PrivateAddressError(OSError):
    """The address is not on the public internet."""


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only; a name with a private address among others is refused as a whole."""

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


def public_connector() -> aiohttp.TCPConnector:
    """A connector that raises :class:`PrivateAddressError` instead of dialing a private address."""
    return aiohttp.TCPConnector(resolver=PublicResolver(), socket_factory=_open_public_socket)


def _open_public_socket(info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise PrivateAddressError(f"{address[0]} is not public")
    return socket.socket(family, kind, protocol)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's, also where it hides in an IPv6 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or _nat64(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    network = ipaddress.ip_network("64:ff9b::/96")
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in network else None
