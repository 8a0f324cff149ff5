"""``REDIS_URL``: what is passed to the Redis client, and what is ignored."""

from dataclasses import dataclass
from typing import Self

from agenciaos_jobs.foundation.connections.url import ConnectionURL, MalformedURLError, cleaned

SCHEMES = ("redis", "rediss", "unix")

_INTEGERS = ("db", "max_connections")
_SECONDS = ("socket_timeout", "socket_connect_timeout")
_PASSED = frozenset({*_INTEGERS, *_SECONDS, "username", "password", "client_name"})
_TLS = frozenset({"ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"})
_REQUIREMENTS = ("none", "optional", "required")

HARMLESS = frozenset({"family", "protocol", "tls", "ssl", "keepAlive", "retry_on_timeout", "health_check_interval"})
"""Ignored options that change nothing here."""


@dataclass(frozen=True)
class RedisURL:
    """A connection string for the Redis client. ``ignored`` are options without effect."""

    url: str
    is_tls: bool
    ignored: tuple[str, ...]

    @classmethod
    def read(cls, url: str) -> Self:
        """Raises :class:`MalformedURLError`."""
        parts = ConnectionURL.read(cleaned(url), SCHEMES)
        if parts.scheme == "unix":
            if not parts.path.strip("/"):
                raise MalformedURLError("the path of the Unix socket is missing")
        elif not parts.names_hosts:
            raise MalformedURLError("the host is missing")
        elif "," in parts.hosts:
            raise MalformedURLError("several hosts are not supported: name one")
        elif not parts.path.strip("/").isdigit() and parts.path.strip("/"):
            raise MalformedURLError("the database after the host is not a number")
        is_tls = parts.scheme == "rediss"
        known = _PASSED | _TLS if is_tls else _PASSED
        passed = {name: value for name, value in parts.options.items() if name in known and value}
        _normalize(passed)
        return cls(parts.write(passed), is_tls, tuple(name for name in parts.options if name not in known))


def _normalize(passed: dict[str, str]) -> None:
    for name in {*_INTEGERS, *_SECONDS} & passed.keys():
        if not passed[name].replace(".", "", name in _SECONDS).isdigit():
            raise MalformedURLError(f"{name} is not a number")
    if "ssl_cert_reqs" in passed:
        passed["ssl_cert_reqs"] = passed["ssl_cert_reqs"].lower().removeprefix("cert_")
        if passed["ssl_cert_reqs"] not in _REQUIREMENTS:
            raise MalformedURLError(f"ssl_cert_reqs is malformed: expected {', '.join(_REQUIREMENTS)}")
        if passed["ssl_cert_reqs"] == "none":
            passed.pop("ssl_check_hostname", None)
