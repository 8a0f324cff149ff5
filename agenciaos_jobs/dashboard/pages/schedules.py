"""Schedules: their next slot and last run; activate, deactivate, run now."""

from aiohttp import web
from pydantic import ValidationError

from agenciaos_jobs.dashboard.page import Page, redirect
from agenciaos_jobs.dashboard.rendering import language_of, render
from agenciaos_jobs.dashboard.store import schedules
from agenciaos_jobs.engine.model.cron_text import describe
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.scheduler import payload_of
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK, DATABASE, INTAKE, SCHEDULE_ADMIN
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.registry import JOBS

PAGE = 50

_UNKNOWN_TASK = Text("Esta tarefa não existe mais", "This task no longer exists")
_UNFIT = Text("O job não aceita mais o payload deste agendamento", "The job no longer accepts this schedule's payload")


async def show_schedules(request: web.Request) -> web.StreamResponse:
    query, language = request.query, language_of(request)
    after = tuple(query.get("after", "").split("\n"))
    found = await schedules.page(request.app[DATABASE], after=after if len(after) == 3 else None, limit=PAGE + 1)
    rows = found[:PAGE]
    return render(
        request,
        "schedules.html",
        rows=[(row, describe(row.stored.cron, language)) for row in rows],
        older="\n".join(rows[-1].place) if len(found) > PAGE else None,
        is_first_page="after" not in query,
        tasks=JOBS,
        done=query.get("done"),
    )


async def activate(request: web.Request) -> web.StreamResponse:
    await request.app[SCHEDULE_ADMIN].activate(request.match_info["schedule_id"])
    return redirect("/schedules?done=activated")


async def deactivate(request: web.Request) -> web.StreamResponse:
    await request.app[SCHEDULE_ADMIN].deactivate(request.match_info["schedule_id"])
    return redirect("/schedules?done=deactivated")


async def run_now(request: web.Request) -> web.StreamResponse:
    """Creates a run as the schedule would at this moment. Its slots are unaffected."""
    stored = await request.app[SCHEDULE_ADMIN].get(request.match_info["schedule_id"])
    job = JOBS.get(stored.task)
    if job is None:
        raise RequestError(409, _UNKNOWN_TASK)
    payload = {} if stored.is_declared else payload_of(stored, request.app[CLOCK].now())
    try:
        new = new_run(job, payload, source="dashboard", schedule_id=stored.id)
    except ValidationError:
        raise RequestError(409, _UNFIT) from None
    accepted = await request.app[INTAKE].trigger(new)
    return redirect(f"/runs/{accepted.run_id}")


PAGES = [
    Page("GET", "/schedules", show_schedules),
    Page("POST", "/schedules/{schedule_id}/activate", activate),
    Page("POST", "/schedules/{schedule_id}/deactivate", deactivate),
    Page("POST", "/schedules/{schedule_id}/run", run_now),
]
