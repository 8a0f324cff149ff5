"""The client's address."""

import ipaddress

from aiohttp import web


def address_of(request: web.BaseRequest) -> str:
    """The client's address, with IPv6 reduced to its /64.

    Behind a proxy on a private network it is the last address of ``X-Forwarded-For``.
    """
    address = request.remote or ""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    if forwarded and _is_private(address):
        address = forwarded
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else str(parsed)


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return not address
