"""Login, logout, and the reader's preferences: language and theme."""

from datetime import datetime

from aiohttp import web

from agenciaos_jobs.alerts.kinds import WRONG_TOKEN
from agenciaos_jobs.dashboard import sessions
from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.rendering import SESSION, THEMES, render
from agenciaos_jobs.dashboard.sessions import ACCESS, LockedOutError
from agenciaos_jobs.http import public_url
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.keys import ALERTS, CLOCK

_A_YEAR = 365 * 24 * 3600


async def show_login(request: web.Request) -> web.StreamResponse:
    destination = local_path(request.query.get("next", "/"))
    if SESSION in request:
        return redirect(destination)
    return render(request, "login.html", destination=destination, is_wrong=False, locked_until=None)


async def log_in(request: web.Request) -> web.StreamResponse:
    given = await form(request)
    destination = local_path(given.get("next", "/"))
    try:
        cookie = await request.app[ACCESS].log_in(given.get("password", ""), address_of(request))
    except LockedOutError as lock:
        return _refused(request, destination, lock.until)
    if cookie is None:
        return _refused(request, destination)
    response = redirect(destination)
    response.set_cookie(
        sessions.COOKIE,
        cookie,
        max_age=round(sessions.SESSION.total_seconds()),
        path=_cookie_path(request),
        httponly=True,
        samesite="Lax",
        secure=sessions.is_secure(request),
    )
    return response


def _refused(request: web.Request, destination: str, until: datetime | None = None) -> web.Response:
    """The login page after a wrong password, or while logins are locked ``until`` then."""
    request.app[ALERTS].record(WRONG_TOKEN, "dashboard", subject=address_of(request))
    view = {"destination": destination, "is_wrong": until is None, "locked_until": until}
    page = render(request, "login.html", status=429 if until else 401, **view)
    if until:
        wait = (until - request.app[CLOCK].now()).total_seconds()
        page.headers["Retry-After"] = str(max(1, round(wait)))
    return page


async def log_out(request: web.Request) -> web.StreamResponse:
    await request.app[ACCESS].log_out(request[SESSION])
    response = redirect("/login")
    response.del_cookie(sessions.COOKIE, path=_cookie_path(request))
    return response


async def choose(request: web.Request) -> web.StreamResponse:
    """Stores the chosen language or theme in a cookie, and redirects back."""
    given = await form(request)
    response = redirect(local_path(given.get("back", "/")))
    for name, values in {"language": ("pt", "en"), "theme": THEMES}.items():
        if given.get(name) in values:
            response.set_cookie(
                name,
                given[name],
                max_age=_A_YEAR,
                path=_cookie_path(request),
                samesite="Lax",
                httponly=True,
                secure=sessions.is_secure(request),
            )
    return response


def _cookie_path(request: web.Request) -> str:
    return public_url.root(request) or "/"


def local_path(path: str) -> str:
    """``path`` if it is a local path, else ``/``."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own else "/"


PAGES = [
    Page("GET", "/login", show_login, needs_login=False),
    Page("POST", "/login", log_in, needs_login=False),
    Page("POST", "/logout", log_out),
    Page("POST", "/preferences", choose, needs_login=False),
]
