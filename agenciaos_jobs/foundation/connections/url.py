"""Database URLs as other clients write them."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_PRISMA_ONLY = {"schema", "connection_limit", "pool_timeout", "connect_timeout", "socket_timeout", "pgbouncer"}
_LIBPQ_ONLY = {"channel_binding", "gssencmode", "keepalives", "options"}


def without_foreign_options(url: str) -> str:
    """``url`` without the options of Prisma and libpq, so that the application's own URL can be used."""
    parts = urlsplit(url)
    options = [(name, value) for name, value in parse_qsl(parts.query) if name not in _PRISMA_ONLY | _LIBPQ_ONLY]
    return urlunsplit(parts._replace(query=urlencode(options)))
