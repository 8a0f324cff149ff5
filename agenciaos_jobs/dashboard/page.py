"""One declaration per page or action: its route, and the role that it takes. Actions pass through the audit."""

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
from agenciaos_jobs.http.client_address import CLIENT_ADDRESSES
from agenciaos_jobs.http.form import read_form
from agenciaos_jobs.http.keys import CLOCK, DATABASE
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.people.audit import Audit
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.store.audit import Act, Outcome

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

AUDIT = web.AppKey("audit", Audit)

_MAX_DETAIL = 2_000
_OUTCOMES: Mapping[int, Outcome] = {303: "done", 200: "asked"}

_FOREIGN = Text(
    "O pedido não veio desta página; recarregue-a e tente de novo",
    "The request did not come from this page; reload it and try again",
)
_ENDED = Text("A sessão terminou; entre de novo", "The session has ended; log in again")
_NOT_YOURS = Text("Seu usuário não tem permissão para isto", "Your user is not allowed to do this")


@dataclass(frozen=True)
class Page:
    """A page (GET) or an action (POST), for users who are logged in.

    An action must come from one of our own pages and, where a login is needed, carry the session's CSRF token. It is
    recorded in the audit, with the values of the form's fields that ``detail`` names: none that may hold personal data.
    ``is_change`` is false for a form that only shows something. Without a ``role`` viewers see a page, and an action
    takes an operator.
    """

    method: str
    path: str
    handler: Handler
    needs_login: bool = True
    role: Role | None = None
    detail: tuple[str, ...] = ()
    is_change: bool = True

    @property
    def needed_role(self) -> Role:
        return self.role or (Role.OPERATOR if self.method == "POST" else Role.VIEWER)

    @property
    def action(self) -> str:
        """The action's name in the audit: its path without ids."""
        return "/".join(part for part in self.path.split("/") if part and not part.startswith("{"))

    def add_to(self, app: web.Application) -> None:
        app.router.add_route(self.method, self.path, self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        session = await request.app[ACCESS].session(request.cookies.get(sessions.COOKIE, ""))
        if session is None:
            rate_limits.count_address(request)
            if self.needs_login:
                return _to_login(request)
        else:
            request[SESSION] = session
            if self.needs_login and not session.role.includes(self.needed_role):
                raise RequestError(403, _NOT_YOURS)
            if request.method == "GET" and self.needs_login:
                request[HOLDS] = await queues.holds(request.app[DATABASE], request.app[CLOCK].now())
        if request.method == "POST":
            await _require_own_form(request, session if self.needs_login else None)
            if session and self.needs_login and self.is_change:
                return await self._audited(request, session.user)
        return await self.handler(request)

    async def _audited(self, request: web.Request, user: str) -> web.StreamResponse:
        """The response to an action. Its audit entry is written before the action is performed."""
        given = await form_lists(request)
        detail = " ".join(value for name in self.detail for value in given.get(name, ()) if value)[:_MAX_DETAIL]
        subjects = ["/".join(request.match_info.values())]
        act = Act(user, "dashboard", full_address(request), self.action, subjects, detail)
        async with request.app[AUDIT].recorded(act) as result:
            response = await self.handler(request)
            # A page instead of a redirect asks for a confirmation, or shows what is wrong with the form.
            result.outcome = _OUTCOMES.get(response.status, "refused")
            result.led_to = [response.headers.get("Location", "")]
        return response


def full_address(request: web.Request) -> str:
    """The client's address; empty for a Unix socket."""
    return str(request.app[CLIENT_ADDRESSES].read(request) or "")


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
