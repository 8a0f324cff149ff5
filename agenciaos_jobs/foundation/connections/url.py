"""Connection strings as people have them: cleaned, split, and checked part by part.

No message shows a character of a connection string, because a password that is not escaped may end up in any part.
"""

import ipaddress
import re
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn, Self
from urllib.parse import parse_qsl, quote, unquote, urlencode

_AROUND = string.whitespace + "\"'`“”‘’\u00a0\u200b\ufeff"
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?")
_PLACEHOLDER = "[YOUR-PASSWORD]"


class MalformedURLError(ValueError):
    """A part of a connection string is malformed; the message names the part and shows nothing of it."""


def cleaned(text: str) -> str:
    """The text without the spaces, quotes and line breaks around it that come along when it is copied."""
    return text.strip(_AROUND)


@dataclass(frozen=True)
class ConnectionURL:
    """The parts of a connection string. ``credentials`` and ``hosts`` are as written, options are decoded."""

    scheme: str
    credentials: str
    hosts: str
    path: str
    options: Mapping[str, str]

    @classmethod
    def read(cls, url: str, schemes: Collection[str]) -> Self:
        """Raises :class:`MalformedURLError`. A driver in the scheme (``postgresql+asyncpg``) is left out."""
        scheme, rest = _scheme_and_rest(cleaned(url), schemes)
        if any(char.isspace() or not char.isprintable() for char in rest):
            _refuse("it has a space or a line break inside: remove it, or write %20")
        if "#" in rest:
            _refuse("user or password has an unescaped #: write %23")
        authority = re.split("[/?]", rest, maxsplit=1)[0]
        path, _, query = rest[len(authority) :].partition("?")
        credentials, _, hosts = authority.rpartition("@")
        if "@" in credentials:
            _refuse("user or password has an unescaped @: write %40")
        if _is_cut_short(credentials, hosts, path, query):
            _refuse("user or password has an unescaped / or ?: write %2F or %3F")
        if credentials.partition(":")[2].upper() == _PLACEHOLDER:
            _refuse("the password is still the placeholder of the page that it was copied from")
        for host in filter(None, hosts.split(",")):
            _check_host(host)
        return cls(scheme, credentials, hosts, path, dict(parse_qsl(query, keep_blank_values=True)))

    @property
    def names_hosts(self) -> bool:
        return bool(self.hosts) and not any(host.partition(":")[0] == "" for host in self.hosts.split(","))

    def write(self, options: Mapping[str, str]) -> str:
        """The connection string with these options, and with user and password escaped in full."""
        user, colon, password = self.credentials.partition(":")
        credentials = f"{_escaped(user)}{colon}{_escaped(password)}@" if self.credentials else ""
        path = "" if self.path == "/" else self.path
        return f"{self.scheme}://{credentials}{self.hosts}{path}{'?' if options else ''}{urlencode(options)}"


def _scheme_and_rest(text: str, schemes: Collection[str]) -> tuple[str, str]:
    before, separator, rest = text.partition("://")
    scheme = before.lower().partition("+")[0]
    if separator and scheme in schemes:
        return scheme, rest
    if before.lower().endswith(tuple(schemes)) and re.search(r"[\s='\"]", before):
        _refuse("there is text before the scheme, such as the name of the setting or a command: remove it")
    return _refuse("the scheme is wrong: expected " + " or ".join(f"{known}://" for known in schemes))


def _is_cut_short(credentials: str, hosts: str, path: str, query: str) -> bool:
    """Whether a ``/`` or ``?`` of the password ended the authority: then its ``@`` comes later."""
    if "@" in path:
        return True
    _, colon, port = hosts.partition(":")
    is_odd = (colon and not port.isdigit()) or "=" not in query.partition("@")[0]
    return not credentials and "@" in query and bool(is_odd)


def _check_host(text: str) -> None:
    match = _HOST.fullmatch(text)
    if match is None:
        _refuse("the host is malformed: an IPv6 address stands between [ and ], before the port")
    port, host = match["port"], match["host"]
    if port is not None and not is_port(port):
        _refuse("the port is not a number from 1 to 65535")
    try:
        if host.startswith("["):
            ipaddress.IPv6Address(unquote(host[1:-1]))
        elif not unquote(host).startswith("/"):  # the directory of a Unix socket
            unquote(host).encode("idna")
    except ValueError:
        _refuse("the host is neither a name nor an address")


def is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 65535


def _escaped(text: str) -> str:
    return quote(unquote(text), safe="")


def _refuse(message: str) -> NoReturn:
    raise MalformedURLError(message)
