"""Login at the company's identity provider."""

import hmac
from urllib.parse import quote, unquote

import structlog
from aiohttp import web

from agenciaos_jobs.dashboard import sessions
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages.access.login import cookie_path, enter, local_path, login_page
from agenciaos_jobs.dashboard.rendering import HEADERS
from agenciaos_jobs.dashboard.sessions import ACCESS, OPENID
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import public_url
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.people.openid import CALLBACK, Attempt, OpenID, OpenIDError

_COOKIE = "agenciaos_oidc"
_TEN_MINUTES = 600

_NOT_SET_UP = Text("Nenhum provedor de identidade está configurado", "No identity provider is configured")

log = structlog.get_logger("agenciaos_jobs.dashboard")


async def begin(request: web.Request) -> web.StreamResponse:
    """Redirects to the provider. The login's secrets stay in a cookie of this browser."""
    destination, attempt = local_path(request.query.get("next", "/")), Attempt()
    try:
        url = await _provider(request).authorization_url(_redirect_uri(request), attempt)
    except OpenIDError as error:
        return await _failed(request, destination, error)
    response = web.Response(status=303, headers={**HEADERS, "Location": str(url)})
    response.set_cookie(
        _COOKIE,
        ".".join((attempt.state, attempt.nonce, attempt.verifier, quote(destination, safe=""))),
        max_age=_TEN_MINUTES,
        path=cookie_path(request),
        httponly=True,
        samesite="Lax",
        secure=sessions.is_secure(request),
    )
    return response


async def finish(request: web.Request) -> web.StreamResponse:
    """Opens a session for whom the provider has logged in, in the browser that began the login."""
    state, nonce, verifier, path = [*request.cookies.get(_COOKIE, "").split(".", 3), "", "", "", ""][:4]
    destination, given = local_path(unquote(path)), request.query.get("state", "")
    try:
        if not state or not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), state.encode()):
            raise OpenIDError("the login was begun in another browser, or long ago")
        code, attempt = request.query.get("code", ""), Attempt(state, nonce, verifier)
        email = await _provider(request).email(code, _redirect_uri(request), attempt)
        opened = await request.app[ACCESS].log_in_vouched(email, address_of(request))
        if opened is None:
            raise OpenIDError("the user is disabled, or the address cannot be a name")
    except OpenIDError as error:
        return await _failed(request, destination, error)
    response = await enter(request, destination, *opened)
    response.del_cookie(_COOKIE, path=cookie_path(request))
    return response


async def _failed(request: web.Request, destination: str, error: OpenIDError) -> web.Response:
    log.warning("oidc_failed", reason=str(error))
    return await login_page(request, destination, 401, is_unvouched=True)


def _provider(request: web.Request) -> OpenID:
    if provider := request.app[OPENID]:
        return provider
    raise RequestError(404, _NOT_SET_UP)


def _redirect_uri(request: web.Request) -> str:
    return str(public_url.address(request).joinpath(*CALLBACK.split("/")))


PAGES = [
    Page("GET", "/login/oidc", begin, needs_login=False),
    Page("GET", f"/{CALLBACK}", finish, needs_login=False),
]
