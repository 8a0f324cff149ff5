"""One declaration per page or action: its route, and whether it needs a login."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from agenciaos_jobs.dashboard import sessions
from agenciaos_jobs.dashboard.rendering import HEADERS, HOLDS, SESSION, render
from agenciaos_jobs.dashboard.sessions import ACCESS, Session
from agenciaos_jobs.dashboard.store import queues
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import rate_limits
from agenciaos_jobs.http.auth import constant_time_equals
from agenciaos_jobs.http.body import MAX_BODY, MAX_UNAUTHENTICATED_BODY
from agenciaos_jobs.http.form import read_form
from agenciaos_jobs.http.keys import CLOCK, DATABASE
from agenciaos_jobs.http.problems import RequestError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_FOREIGN = Text(
    "O pedido não veio desta página; recarregue-a e tente de novo",
    "The request did not come from this page; reload it and try again",
)
_ENDED = Text("A sessão terminou; entre de novo", "The session has ended; log in again")


@dataclass(frozen=True)
class Page:
    """A page (GET) or an action (POST), for users who are logged in.

    An action must come from one of our own pages and, where a login is needed, carry the session's CSRF token.
    """

    method: str
    path: str
    handler: Handler
    needs_login: bool = True

    def add_to(self, app: web.Application) -> None:
        app.router.add_route(self.method, self.path, self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        session = await request.app[ACCESS].session(request.cookies.get(sessions.COOKIE, ""))
        if session:
            request[SESSION] = session
            if request.method == "GET" and self.needs_login:
                request[HOLDS] = await queues.holds(request.app[DATABASE], request.app[CLOCK].now())
        else:
            rate_limits.count_address(request)
            if self.needs_login:
                return _to_login(request)
        if request.method == "POST":
            await _require_own_form(request, session if self.needs_login else None)
        return await self.handler(request)


async def form(request: web.Request) -> Mapping[str, str]:
    """The submitted form, with the last value of each name."""
    return {name: values[-1] for name, values in (await form_lists(request)).items()}


async def form_lists(request: web.Request) -> Mapping[str, list[str]]:
    """The submitted form, with all values of each name. Raises as :func:`read_form`."""
    return await read_form(request, max_bytes=MAX_BODY if SESSION in request else MAX_UNAUTHENTICATED_BODY)


def redirect(path: str) -> web.Response:
    """A redirect that the browser follows with GET."""
    return web.Response(status=303, headers={**HEADERS, "Location": path})


def is_page_wanted(request: web.BaseRequest) -> bool:
    """Whether the client is a browser that expects a page."""
    is_wire = request.path.startswith(("/api/", "/webhooks/", "/realtime/"))
    return not is_wire and "text/html" in request.headers.get("Accept", "")


def problem_page(request: web.Request, error: DomainError) -> web.Response | None:
    """The error as a page; ``None`` for a client that expects none."""
    if not is_page_wanted(request):
        return None
    response = render(request, "problem.html", status=error.status, problem=error)
    response.headers.update(error.headers)
    return response


def _to_login(request: web.Request) -> web.Response:
    if request.method != "GET" or not is_page_wanted(request):
        raise RequestError(401, _ENDED)
    return redirect("/login" if request.path == "/" else f"/login?next={quote(request.path_qs, safe='/')}")


async def _require_own_form(request: web.Request, session: Session | None) -> None:
    if not sessions.is_same_origin(request):
        raise RequestError(403, _FOREIGN)
    if session and not constant_time_equals((await form(request)).get("csrf", ""), session.csrf):
        raise RequestError(403, _FOREIGN)
