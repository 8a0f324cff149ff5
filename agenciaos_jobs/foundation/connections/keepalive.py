"""TCP keepalive, which ends a connection whose peer is gone; a proxy that still acknowledges needs timeouts besides."""

import socket
from collections.abc import Mapping

_WANTED = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}

OPTIONS: Mapping[int, int] = {getattr(socket, name): value for name, value in _WANTED.items() if hasattr(socket, name)}
"""TCP options that this platform has: a dead peer is noticed after 30 seconds, idle or with data under way."""


def keep_alive(connected: socket.socket | None) -> None:
    """Switches keepalive on for a TCP socket; a Unix socket needs none."""
    if connected is None or connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in OPTIONS.items():
        connected.setsockopt(socket.IPPROTO_TCP, option, value)
