"""Where a request comes from."""

import ipaddress

from aiohttp import web


def address_of(request: web.BaseRequest) -> str:
    """Where a request comes from; behind a proxy on a private network, where the proxy says. IPv6 counts by /64."""
    address = request.remote or ""
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    if told and _is_private(address):
        address = told
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
