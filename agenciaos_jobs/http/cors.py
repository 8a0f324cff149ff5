"""CORS for the paths that take public tokens (https://fetch.spec.whatwg.org/#http-cors-protocol).

It covers every response below these paths: a browser reports an error without CORS headers as a network error, and the
SDK would repeat the request. Tokens are not cookies, so there is no session that a foreign page could use.
"""

from aiohttp import web

_PATHS = ("/api/v", "/api/packets/", "/realtime/", "/api/agents", "/api/reports")
_EXPOSED = ", ".join(
    [
        *(f"electric-{name}" for name in ("cursor", "handle", "offset", "schema", "up-to-date")),
        *(f"x-ratelimit-{name}" for name in ("limit", "remaining", "reset")),
        *("retry-after", "x-request-id", "x-should-retry", "x-trigger-jwt", "x-trigger-jwt-claims"),
    ]
)


def is_open(request: web.Request) -> bool:
    """Whether pages of any origin may use this path."""
    return request.path.startswith(_PATHS)


def preflight_response(request: web.Request) -> web.Response | None:
    """The response to a browser's preflight request; ``None`` for any other request."""
    if request.method != "OPTIONS" or not is_open(request):
        return None
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "authorization"),
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers=headers)


def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Allows any origin on the paths that are open to browsers, on errors too."""
    if is_open(request):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
