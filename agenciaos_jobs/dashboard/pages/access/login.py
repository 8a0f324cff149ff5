"""Login, logout, and the reader's preferences: language and theme."""

from datetime import datetime
from typing import Any

from aiohttp import web

from agenciaos_jobs.alerts.kinds import WRONG_TOKEN
from agenciaos_jobs.dashboard import sessions
from agenciaos_jobs.dashboard.page import AUDIT, Page, form, full_address, redirect
from agenciaos_jobs.dashboard.rendering import SESSION, THEMES, render
from agenciaos_jobs.dashboard.sessions import ACCESS, OPENID, LockedOutError
from agenciaos_jobs.http import public_url
from agenciaos_jobs.http.client_address import address_of
from agenciaos_jobs.http.keys import ALERTS, CLOCK
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.store.audit import Act
from agenciaos_jobs.people.store.users import Account

_A_YEAR = 365 * 24 * 3600


async def show_login(request: web.Request) -> web.StreamResponse:
    destination = local_path(request.query.get("next", "/"))
    return redirect(destination) if SESSION in request else await login_page(request, destination)


async def log_in(request: web.Request) -> web.StreamResponse:
    given = await form(request)
    destination, name = local_path(given.get("next", "/")), given.get("username", "")
    try:
        opened = await request.app[ACCESS].log_in(name, given.get("password", ""), address_of(request))
    except LockedOutError as lock:
        return await _refused(request, destination, name, lock.until)
    if opened is None:
        return await _refused(request, destination, name)
    return await enter(request, destination, *opened)


async def enter(request: web.Request, destination: str, account: Account, cookie: str) -> web.Response:
    """The redirect after a login, which is recorded."""
    response = redirect(destination)
    async with request.app[AUDIT].recorded(Act(account.name, "dashboard", full_address(request), "login")):
        response.set_cookie(
            sessions.COOKIE,
            cookie,
            max_age=round(sessions.SESSION.total_seconds()),
            path=cookie_path(request),
            httponly=True,
            samesite="Lax",
            secure=sessions.is_secure(request),
        )
    return response


async def login_page(request: web.Request, destination: str, status: int = 200, **view: Any) -> web.Response:
    """The login page, with a field for the name once there are users."""
    view = {"is_wrong": False, "is_unvouched": False, "locked_until": None, "name": "", **view}
    view |= {"has_users": await request.app[ACCESS].has_users(), "has_provider": request.app[OPENID] is not None}
    return render(request, "login.html", status=status, destination=destination, **view)


async def _refused(request: web.Request, destination: str, name: str, until: datetime | None = None) -> web.Response:
    """The login page after a wrong password, or while logins are locked ``until`` then."""
    request.app[ALERTS].record(WRONG_TOKEN, "dashboard", subject=address_of(request))
    view = {"is_wrong": until is None, "locked_until": until, "name": name}
    page = await login_page(request, destination, 429 if until else 401, **view)
    if until:
        wait = (until - request.app[CLOCK].now()).total_seconds()
        page.headers["Retry-After"] = str(max(1, round(wait)))
    return page


async def log_out(request: web.Request) -> web.StreamResponse:
    await request.app[ACCESS].end(request[SESSION].id)
    response = redirect("/login")
    response.del_cookie(sessions.COOKIE, path=cookie_path(request))
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
                path=cookie_path(request),
                samesite="Lax",
                httponly=True,
                secure=sessions.is_secure(request),
            )
    return response


def cookie_path(request: web.Request) -> str:
    return public_url.root(request) or "/"


def local_path(path: str) -> str:
    """``path`` if it is a local path, else ``/``."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own else "/"


PAGES = [
    Page("GET", "/login", show_login, needs_login=False),
    Page("POST", "/login", log_in, needs_login=False),
    Page("POST", "/logout", log_out, role=Role.VIEWER),
    Page("POST", "/preferences", choose, needs_login=False),
]
