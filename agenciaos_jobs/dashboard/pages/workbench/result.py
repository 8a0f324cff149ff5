"""A generated content on the workbench: its texts, another one beside it, a variation of one text, and verdicts."""

from typing import Any

from aiohttp import web
from pydantic import ValidationError

from agenciaos_jobs.ai_content.agents import Agent
from agenciaos_jobs.ai_content.store import feedback
from agenciaos_jobs.ai_content.store.feedback import Feedback
from agenciaos_jobs.dashboard.content import Content, agent_of, content_of, is_generation
from agenciaos_jobs.dashboard.failures.explanation import explain
from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.pages.workbench.compose import CLIENT_TAG
from agenciaos_jobs.dashboard.rendering import SESSION, render
from agenciaos_jobs.dashboard.store import run as dashboard_run
from agenciaos_jobs.dashboard.store import workbench
from agenciaos_jobs.engine.control import UnknownRunError
from agenciaos_jobs.engine.store.history import StoredRun
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK, CONTROL, DATABASE, REDACTOR
from agenciaos_jobs.http.problems import RequestError, invalid

MAX_WORD = 200

_NO_CONTENT = Text("Esta execução não tem conteúdo de IA", "This run has no AI content")
_OTHER_AGENT = Text("Só se comparam conteúdos do mesmo agente", "Only contents of one agent can be compared")


async def show_result(request: web.Request) -> web.StreamResponse:
    run = await generation(request, request.match_info["run_id"])
    agent = agent_of(run)
    if agent is None:
        raise RequestError(404, _NO_CONTENT)
    database, agency_id = request.app[DATABASE], run.agency_id or ""
    other = await _other(request, agent)
    shown = [run.id, *([other.run_id] if other else [])]
    said = await feedback.of_runs(database, shown)
    own = next((item for item in said if item.run_id == run.id and item.author == request[SESSION].user), None)
    return render(
        request,
        "workbench_result.html",
        run=run,
        agent=agent,
        agency=await dashboard_run.agency_name(database, agency_id),
        content=content_of(run),
        other=other,
        said={run_id: [item for item in said if item.run_id == run_id] for run_id in shown},
        own=own,
        previous=await workbench.previous(database, agency_id, agent.type, run.id),
        history=await workbench.history(database, agency_id, agent_type=agent.type),
        failure=explain(run.task, run.error) if run.error else None,
        billed=await dashboard_run.billed(database, run.id),
        now=request.app[CLOCK].now(),
        about=request.app[REDACTOR].text,
        client_tag=CLIENT_TAG,
        max_word=MAX_WORD,
        done=request.query.get("done"),
    )


async def generation(request: web.Request, run_id: str) -> StoredRun:
    """A run of the AI job. Raises 404."""
    run: StoredRun = await request.app[CONTROL].get(run_id)
    if not is_generation(run):
        raise RequestError(404, _NO_CONTENT)
    return run


async def _other(request: web.Request, agent: Agent) -> Content | None:
    """The content that ``?with=…`` names, for comparison; ``None`` without one, and once it is gone."""
    run_id = request.query.get("with", "")
    try:
        other = content_of(await generation(request, run_id)) if run_id else None
    except UnknownRunError:
        return None
    if other and other.agent is not agent:
        raise RequestError(409, _OTHER_AGENT)
    return other


async def vary(request: web.Request) -> web.StreamResponse:
    """A new run that writes one text anew. It is shown beside the content that it varies."""
    run = await generation(request, request.match_info["run_id"])
    output = run.output or {}
    path = _path(output.get("data"), (await form(request)).get("path", ""))
    payload = {**run.payload, "variation": {"path": path, "data": output.get("data") or {}}}
    try:
        accepted = await request.app[CONTROL].replay(run.id, payload=payload)
    except ValidationError as error:
        raise RequestError(409, _problem(error)) from None
    return redirect(f"/workbench/runs/{accepted.run_id}?with={run.id}")


def _path(value: Any, text: str) -> list[str | int]:
    """A path such as ``headlines/2`` as its parts: those of lists are numbers."""
    path: list[str | int] = []
    for part in text.split("/"):
        is_index = isinstance(value, list) and part.isascii() and part.isdecimal() and int(part) < len(value)
        path.append(int(part) if is_index else part)
        value = value[int(part)] if is_index else value.get(part) if isinstance(value, dict) else None
    return path


def _problem(error: ValidationError) -> Text:
    wrong = invalid(error).fields[0]
    return Text(wrong.message("pt"), wrong.message("en"))


async def give_feedback(request: web.Request) -> web.StreamResponse:
    """Stores the verdict, in place of an earlier one of the same session; ``rating=none`` withdraws it."""
    run = await generation(request, request.match_info["run_id"])
    content = content_of(run)
    if content is None:
        raise RequestError(404, _NO_CONTENT)
    given, database, author = await form(request), request.app[DATABASE], request[SESSION].user
    rating = given.get("rating")
    if rating in {"up", "down"}:
        word = given.get("word", "").strip()[:MAX_WORD] or None
        agent_type = content.agent.type if content.agent else str(run.payload.get("agentType"))
        verdict = Feedback(run.id, author, run.agency_id, agent_type, rating == "up", word, request.app[CLOCK].now())
        await feedback.give(database, verdict)
    else:
        await feedback.withdraw(database, run.id, author)
    return redirect(f"/workbench/runs/{run.id}?done=feedback")


PAGES = [
    Page("GET", "/workbench/runs/{run_id}", show_result),
    Page("POST", "/workbench/runs/{run_id}/vary", vary),
    Page("POST", "/workbench/runs/{run_id}/feedback", give_feedback),
]
