"""People: the users, and the sessions that are open."""

from aiohttp import web

from agenciaos_jobs.dashboard.page import Page, redirect
from agenciaos_jobs.dashboard.rendering import SESSION, render
from agenciaos_jobs.dashboard.sessions import ACCESS
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import DATABASE
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.store import users

MAX_SESSIONS = 200

_UNKNOWN = Text("Esta sessão não está aberta", "This session is not open")


async def show_people(request: web.Request) -> web.StreamResponse:
    return render(
        request,
        "people.html",
        users=await users.everyone(request.app[DATABASE]),
        sessions=await request.app[ACCESS].open_sessions(MAX_SESSIONS),
        limit=MAX_SESSIONS,
        own=request[SESSION].id,
        done=request.query.get("done"),
    )


async def end_session(request: web.Request) -> web.StreamResponse:
    if not await request.app[ACCESS].end(request.match_info["session_id"]):
        raise RequestError(404, _UNKNOWN)
    return redirect("/people?done=ended")


PAGES = [
    Page("GET", "/people", show_people, role=Role.ADMIN),
    Page("POST", "/sessions/{session_id}/end", end_session, role=Role.ADMIN),
]
