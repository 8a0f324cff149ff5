"""CORS for endpoints that accept public tokens (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from aiohttp import web

from agenciaos_jobs.http.keys import OPEN_TO_BROWSERS

_EXPOSED = "electric-cursor, electric-handle, electric-offset, electric-schema, electric-up-to-date, x-request-id"


async def preflight(request: web.Request) -> web.Response:
    """The response to a browser's preflight request."""
    request[OPEN_TO_BROWSERS] = True
    headers = {
        "Access-Control-Allow-Methods": "GET",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "authorization"),
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers=headers)


def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Allows any origin on endpoints that are open to browsers, on errors too.

    Tokens are not cookies, so there is no session that a foreign page could use.
    """
    if request[OPEN_TO_BROWSERS]:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
