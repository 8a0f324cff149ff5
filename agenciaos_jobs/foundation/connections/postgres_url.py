"""``DATABASE_URL``: what is passed to asyncpg, what is understood here, and what is ignored.

The options are those of libpq, and of Prisma, Supabase, Vercel, Neon and node-postgres, whose URL it usually is.
"""

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from agenciaos_jobs.foundation.connections.url import ConnectionURL, MalformedURLError, is_port

SCHEMES = ("postgresql", "postgres")

_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_PASSED = frozenset({
    *("host", "port", "dbname", "database", "user", "password", "passfile", "service", "krbsrvname", "gsslib"),
    *(*_FILES, "sslpassword", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"),
    *("target_session_attrs", "options", "search_path", "statement_timeout", "lock_timeout"),
    "idle_in_transaction_session_timeout",
})  # fmt: skip

HARMLESS = frozenset({
    *("connection_limit", "pool_timeout", "connect_timeout", "socket_timeout", "supa", "workaround"),
    *("uselibpqcompat", "channel_binding", "gssencmode", "gssdelegation", "sslcompression", "sslsni"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "timezone"),
    *("application_name", "fallback_application_name", "load_balance_hosts", "query_timeout", "pool_size"),
    *("pool_max_conns", "max_idle_connection_lifetime", "max_connection_lifetime", "sslcertmode"),
    *("client_encoding", "connectionTimeoutMillis"),
})  # fmt: skip
"""Ignored options that change nothing here: pool sizes, timeouts and names are this service's own."""

_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify")
_SSL = {"true": "require", "1": "require", "on": "require", "false": "disable", "0": "disable", "off": "disable"}
_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_CHOICES = {
    "target_session_attrs": ("any", "primary", "standby", "read-only", "read-write", "prefer-standby"),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS_VERSIONS,
    "ssl_max_protocol_version": _TLS_VERSIONS,
    "gsslib": ("gssapi", "sspi"),
}
_CACHE_SIZES = ("statement_cache_size", "prepared_statement_cache_size", "prepareThreshold")
_CACHE_SIZE = 1024

_POOLER = re.compile(r"[^.]+-pooler\..+|.+\.pooler\.supabase\.com:6543")
"""Hosts of Neon and Supabase that are poolers in transaction mode. Supabase's port 5432 is one in session mode."""


@dataclass(frozen=True)
class DatabaseURL:
    """A connection string for asyncpg, and what it does not express. ``ignored`` are options without effect.

    ``is_pooled``: it is known to lead to a pooler in transaction mode. Others are found out by connecting.
    """

    dsn: str
    ssl_mode: str | None
    options: Mapping[str, str]
    statement_cache_size: int
    is_pooled: bool
    ignored: tuple[str, ...]

    @classmethod
    def read(cls, url: str) -> Self:
        """Raises :class:`MalformedURLError`."""
        parts = ConnectionURL.read(url, SCHEMES)
        given = dict(parts.options)
        is_pooled = given.pop("pgbouncer", "").lower() in {"true", "1"} or _names_pooler(parts.hosts, given)
        mode, cache_size = _ssl_mode(given), 0 if _disables_cache(given) or is_pooled else _CACHE_SIZE
        passed = {name: value for name, value in given.items() if name in _PASSED and value}
        if not parts.names_hosts and (parts.hosts or not {"host", "service"} & passed.keys()):
            raise MalformedURLError("the host is missing; a Unix socket is named as ?host=/run/postgresql")
        _check(passed)
        if passed.get("sslnegotiation") == "direct" and mode in {None, "disable", "allow", "prefer"}:
            raise MalformedURLError("sslnegotiation=direct needs sslmode=require, verify-ca, verify-full or no-verify")
        ignored = [
            name for name, value in given.items() if name not in _PASSED and (name, value) != ("schema", "public")
        ]
        dsn_mode = {"sslmode": "require" if mode == "no-verify" else mode} if mode else {}
        return cls(parts.write(passed | dsn_mode), mode, passed, cache_size, is_pooled, tuple(ignored))

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context where asyncpg has no name for it: without verification, or with the system's certificates."""
        if self.ssl_mode == "no-verify":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif self._trusts_system():
            context = ssl.create_default_context()
            context.check_hostname = self.ssl_mode != "verify-ca"
        else:
            return None
        if certificate := self.options.get("sslcert"):
            password = self.options.get("sslpassword", "")
            context.load_cert_chain(certificate, self.options.get("sslkey"), lambda: password)
        return context

    def _trusts_system(self) -> bool:
        root = self.options.get("sslrootcert")
        if root is None:
            own = Path("~/.postgresql/root.crt").expanduser()
            return self.ssl_mode in {"verify-ca", "verify-full"} and not own.exists()
        return root == "system" and self.ssl_mode not in {None, "disable", "allow", "prefer"}


def _ssl_mode(given: dict[str, str]) -> str | None:
    """Removes ``sslmode`` and its other spellings, and returns the mode that they mean; ``None`` for the default."""
    ssl_option, accept = given.pop("ssl", None), given.pop("sslaccept", None)
    mode = given.pop("sslmode", None) or (ssl_option and _SSL.get(ssl_option.lower(), ssl_option)) or None
    if mode is not None and mode not in _MODES:
        raise MalformedURLError(f"sslmode or ssl is malformed: expected {', '.join(_MODES)}, or ssl=true")
    if accept == "strict" and mode in {None, "require"}:
        return "verify-full"
    return "no-verify" if accept == "accept_invalid_certs" and mode == "require" else mode


def _disables_cache(given: dict[str, str]) -> bool:
    """Removes the options for the number of prepared statements; whether any of them is 0."""
    sizes = [given.pop(name) for name in _CACHE_SIZES if name in given]
    if not all(size.isascii() and size.isdigit() and len(size) < 7 for size in sizes):
        raise MalformedURLError("statement_cache_size is not a number")
    return any(int(size) == 0 for size in sizes)


def _names_pooler(hosts: str, given: Mapping[str, str]) -> bool:
    named = hosts.split(",") if hosts else [f"{given.get('host', '')}:{given.get('port', '')}"]
    return any(_POOLER.fullmatch(host.lower()) for host in named)


def _check(passed: Mapping[str, str]) -> None:
    for name, choices in _CHOICES.items():
        if passed.get(name, choices[0]) not in choices:
            raise MalformedURLError(f"{name} is malformed: expected {', '.join(choices)}")
    if not all(is_port(port) for port in passed.get("port", "5432").split(",")):
        raise MalformedURLError("the port is not a number from 1 to 65535")
    for name in _FILES:
        path = passed.get(name)
        if path and path != "system" and not os.access(path, os.R_OK):
            raise MalformedURLError(f"{name} names a file that cannot be read")
