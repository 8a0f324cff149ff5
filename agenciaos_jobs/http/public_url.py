"""The address at which people and callers reach the service (``PUBLIC_URL``)."""

from aiohttp import web
from yarl import URL

PUBLIC_URL = web.AppKey("public_url", URL)
"""Empty if it is not set."""


def root(request: web.BaseRequest) -> str:
    """What stands before our paths in links, redirects and cookies: ``/jobs``, or nothing.

    Requests come without it: the proxy in front removes it.
    """
    assert isinstance(request, web.Request)
    return request.app[PUBLIC_URL].path.rstrip("/")


def address(request: web.Request) -> URL:
    """The service's address: ``PUBLIC_URL``, or else the one that the request was sent to."""
    if public := request.app[PUBLIC_URL]:
        return public
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
    return URL.build(scheme=scheme if scheme in {"http", "https"} else request.scheme, authority=request.host)
