"""The client's address: the connection's peer, or what trusted proxies in front of the server report."""

import ipaddress

import structlog
from aiohttp import web

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDED_FOR = "X-Forwarded-For"
_SHARED = ipaddress.ip_network("100.64.0.0/10")
"""Addresses between a platform's proxies and its containers (RFC 6598), which Python does not call private."""

UNTRUSTED_PROXY = "untrusted_proxy"
"""The name under which servers record in the database that they found one, for the command ``check``."""

log = structlog.get_logger("agenciaos_jobs.server")


class ClientAddresses:
    """Reads clients' addresses. Only headers written by a trusted proxy are used.

    ``trusted_proxies`` is the number of proxies in front, each of which appends its peer to ``X-Forwarded-For``: the
    client is that many entries from the end. ``header`` is one that the proxy in front sets to the client's address
    itself. Without either, the client is the peer.
    """

    def __init__(self, trusted_proxies: int, header: str | None) -> None:
        self._trusted_proxies, self._header = trusted_proxies, header
        self.has_untrusted_proxy = False
        """Whether a request came through a proxy at a private address while none is trusted."""

    @property
    def are_reported(self) -> bool:
        """Whether proxies report them, so that the peers of connections are proxies."""
        return bool(self._trusted_proxies or self._header)

    def read(self, request: web.BaseRequest) -> Address | None:
        """The client's address; ``None`` for a Unix socket. The peer's if the proxies report none that is valid."""
        peer = parse(request.remote or "")
        if not self.are_reported:
            self._notice_proxy(request, peer)
        return parse(self._reported(request)) or peer

    def _reported(self, request: web.BaseRequest) -> str:
        if self._header:
            return request.headers.getall(self._header, [""])[-1].rpartition(",")[2]
        # A proxy may append to the line that there is, or add a line of its own.
        chain = ",".join(request.headers.getall(_FORWARDED_FOR, ())).split(",")
        return chain[-self._trusted_proxies] if 0 < self._trusted_proxies <= len(chain) else ""

    def _notice_proxy(self, request: web.BaseRequest, peer: Address | None) -> None:
        if self.has_untrusted_proxy or _FORWARDED_FOR not in request.headers or peer is None:
            return
        if peer.is_private or peer in _SHARED:
            self.has_untrusted_proxy = True
            log.warning("proxy_not_trusted", peer=str(peer))


CLIENT_ADDRESSES = web.AppKey("client_addresses", ClientAddresses)


def address_of(request: web.Request) -> str:
    """The client's address as :func:`counted` gives it."""
    return counted(request.app[CLIENT_ADDRESSES].read(request))


def counted(address: Address | None) -> str:
    """An address as limits count it: IPv6 is reduced to its /64, which one client has to itself."""
    if address is None:
        return ""
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if address.version == 6 else str(address)


def parse(text: str) -> Address | None:
    """An address, with or without a port; ``None`` for any other text. IPv4 within IPv6 is IPv4 (RFC 4291, 2.5.5.2)."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
