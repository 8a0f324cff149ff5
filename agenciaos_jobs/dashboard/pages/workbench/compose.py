"""The workbench's form: an agency, one of the agents, and the agent's own fields."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from agenciaos_jobs.ai_content.agents import AGENTS, Agent, find
from agenciaos_jobs.ai_content.jobs import generate_ai_content
from agenciaos_jobs.api.trigger import TriggerRequest, run_of
from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.pages.workbench import agent_form
from agenciaos_jobs.dashboard.rendering import language_of, render
from agenciaos_jobs.dashboard.store import run as dashboard_run
from agenciaos_jobs.dashboard.store import runs, workbench
from agenciaos_jobs.engine.control import UnknownRunError
from agenciaos_jobs.engine.store.history import StoredRun
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CONTROL, DATABASE, INTAKE, REDACTOR
from agenciaos_jobs.http.problems import RequestError, invalid
from agenciaos_jobs.people.role import Role

JOB = generate_ai_content.JOB
CLIENT_TAG = "cliente-"
"""Begins the tag that names the agency's client whom a content is for."""

_UNKNOWN_AGENCY = Text("Não existe agência com este id", "There is no agency with this id")
_UNKNOWN_AGENT = Text("Este agente não existe", "There is no such agent")


async def show_form(request: web.Request) -> web.StreamResponse:
    """The form of ``?agent=…`` for ``?agency=…``, filled with the input of the run ``?from=…``."""
    query = request.query
    run = await _origin(request, query["from"]) if query.get("from") else None
    agent = find(str(run.payload.get("agentType"))) if run else find(query.get("agent", ""))
    agency = (run.agency_id if run else None) or query.get("agency", "").strip()
    client = query.get("client", "") or (_client_of(run) if run else "")
    given = request.app[REDACTOR].value(run.payload.get("input") or {}) if run else {}
    values = agent_form.written(agent, given) if agent else {}
    return await _page(request, agency, agent, client, values, {})


async def start(request: web.Request) -> web.StreamResponse:
    given = await form(request)
    agent = find(given.get("agent", ""))
    if agent is None:
        raise RequestError(404, _UNKNOWN_AGENT)
    agency, client = given.get("agency", "").strip(), given.get("client", "")
    values, faults = agent_form.read(agent, given)
    if not agency:
        faults["agency"] = agent_form.REQUIRED
    elif not await agencies.exists(request.app[DATABASE], agency):
        faults["agency"] = _UNKNOWN_AGENCY
    payload = {"agencyId": agency, "agentType": agent.type, "input": values}
    try:
        body = TriggerRequest.model_validate(
            {"type": JOB.task, "payload": payload, "tags": [CLIENT_TAG + client] if client else []}
        )
        new = run_of(JOB, body, request, source="dashboard")
        if not faults:
            return redirect(f"/workbench/runs/{(await request.app[INTAKE].trigger(new)).run_id}")
    except ValidationError as error:
        faults = _others(invalid(error)) | faults
    except InvalidFieldsError as error:
        faults = _others(error) | faults
    language = language_of(request)
    told = {name: text.in_language(language) for name, text in faults.items()}
    return await _page(request, agency, agent, client, given, told)


def _others(error: InvalidFieldsError) -> dict[str, Text]:
    """The errors that are not of a field of the agent's; those have their own."""
    found = {}
    for wrong in error.fields:
        text = Text(wrong.message("pt"), wrong.message("en"))
        if wrong.place[-1:] == ("agencyId",):
            found["agency"] = text
        elif wrong.code not in {"input_missing", "input_empty"}:
            found["input"] = text
    return found


async def _origin(request: web.Request, run_id: str) -> StoredRun | None:
    """The run that prefills the form with its input; ``None`` if it has been deleted."""
    try:
        run: StoredRun = await request.app[CONTROL].get(run_id)
    except UnknownRunError:
        return None
    return run if run.task == JOB.task else None


def _client_of(run: StoredRun) -> str:
    return next((tag.removeprefix(CLIENT_TAG) for tag in run.tags if tag.startswith(CLIENT_TAG)), "")


async def _page(
    request: web.Request,
    agency: str,
    agent: Agent | None,
    client: str,
    values: Mapping[str, Any],
    faults: Mapping[str, str],
) -> web.Response:
    database = request.app[DATABASE]
    name = await dashboard_run.agency_name(database, agency) if agency else None
    if agency and name is None:
        faults = {"agency": _UNKNOWN_AGENCY.in_language(language_of(request)), **faults}
    clients = dict(await workbench.clients(database, agency)) if agency else {}
    tag = CLIENT_TAG + client if client else None
    agent_type = agent.type if agent else None
    contents = await workbench.history(database, agency, agent_type=agent_type, tag=tag) if agency else []
    return render(
        request,
        "workbench.html",
        status=422 if faults and request.method == "POST" else 200,
        agency=agency,
        agency_name=name,
        agencies=await runs.agencies(database),
        agent=agent,
        families=_families(),
        client=client if client in clients else "",
        clients=clients,
        values=values,
        faults=faults,
        history=contents,
        names={known.type: known.name for known in AGENTS.values()},
        client_tag=CLIENT_TAG,
        about=request.app[REDACTOR].text,
    )


def _families() -> list[tuple[str, list[Agent]]]:
    ordered = sorted(AGENTS.values(), key=lambda agent: (agent.family, agent.name))
    return [(family, list(members)) for family, members in groupby(ordered, key=lambda agent: agent.family)]


PAGES = [Page("GET", "/workbench", show_form, role=Role.OPERATOR), Page("POST", "/workbench", start)]
