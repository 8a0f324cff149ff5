"""The test page: a form per task that starts a run, with the validation of the API."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.api.trigger import TriggerRequest, run_of
from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.payload_form import Field, example_of, fields, read, written
from agenciaos_jobs.dashboard.rendering import language_of, render
from agenciaos_jobs.dashboard.store import runs
from agenciaos_jobs.engine.intake import KeyConflictError
from agenciaos_jobs.engine.model.job import Job, Json
from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import DATABASE, INTAKE
from agenciaos_jobs.http.problems import RequestError, invalid
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.registry import OFFERED

OPTIONS = ("delay", "tags", "maxAttempts", "idempotencyKey")
AGENCY_FIELDS = {"agencyId", "customerId"}

_UNKNOWN = Text("Esta tarefa não existe", "There is no such task")

FailureRecorder = Mapping[str, Sequence[str]]


async def show_test(request: web.Request) -> web.StreamResponse:
    """The form of ``?task=…``, filled from the query and else from the task's example."""
    query = request.query
    job = OFFERED.get(query.get("task", ""), next(iter(OFFERED.values())))
    schema = job.payload.model_json_schema()
    known, example = fields(schema), example_of(schema)
    if any(field.name in query for field in known):
        example = {}
    values = {
        f"payload.{field.name}": query.get(field.name) or written(field, example.get(field.name)) for field in known
    }
    return await _page(request, job, known, values, {})


async def start(request: web.Request) -> web.StreamResponse:
    job = OFFERED.get(request.match_info["task"])
    if job is None:
        raise RequestError(404, _UNKNOWN)
    given, language = await form(request), language_of(request)
    known = fields(job.payload.model_json_schema())
    payload, unread = read(known, {field.name: given.get(f"payload.{field.name}", "") for field in known})
    new, faults = _checked(request, job, payload, given)
    faults |= {f"payload.{name}": [text.in_language(language)] for name, text in unread.items()}
    try:
        if new and not faults:
            return redirect(f"/runs/{(await request.app[INTAKE].trigger(new)).run_id}")
    except KeyConflictError as error:
        faults = {"idempotencyKey": [error.text.in_language(language)]}
    return await _page(request, job, known, given, faults)


async def show_request(request: web.Request) -> web.Response:
    """The API's request for the form as it stands, for the script that shows it while the form is edited."""
    job = OFFERED.get(request.match_info["task"])
    if job is None:
        raise RequestError(404, _UNKNOWN)
    return web.Response(text=_curl(job, fields(job.payload.model_json_schema()), await form(request)))


def _curl(job: Job[Any], known: Sequence[Field], values: Mapping[str, str]) -> str:
    """The command that sends what the form has; without fields whose JSON is invalid."""
    payload, _ = read(known, {field.name: values.get(f"payload.{field.name}", "") for field in known})
    body = orjson.dumps({"type": job.task, "payload": payload, **_options(values)}, option=orjson.OPT_INDENT_2).decode()
    quoted = body.replace("'", "'\\''")
    return (
        'curl -sS "$AGENCIAOS_JOBS_URL/api/trigger" -H "Authorization: Bearer $TRIGGER_SECRET_KEY" \\\n'
        f"  -H 'Content-Type: application/json' -d '{quoted}'"
    )


def _options(given: Mapping[str, str]) -> Json:
    options: Json = {name: given[name].strip() for name in OPTIONS if given.get(name, "").strip()}
    if "tags" in options:
        options["tags"] = [tag.strip() for tag in options["tags"].split(",") if tag.strip()]
    return options


def _checked(
    request: web.Request, job: Job[Any], payload: Json, given: Mapping[str, str]
) -> tuple[NewRun | None, dict[str, list[str]]]:
    """The run, and the errors by field. Payload and options are checked one by one too, so that none hides another."""
    new: NewRun | None = None
    faults: dict[str, list[str]] = {}
    for options in ({}, *({name: given.get(name, "")} for name in OPTIONS), given):
        try:
            new = run_of(job, _request(job, payload, options), request, source="dashboard", is_test=True)
        except InvalidFieldsError as error:
            if error.status != 422:
                raise
            faults |= errors_by_field(error, language_of(request))
    return new, faults


def _request(job: Job[Any], payload: Json, given: Mapping[str, str]) -> TriggerRequest:
    try:
        return TriggerRequest.model_validate({"type": job.task, "payload": payload, **_options(given)})
    except ValidationError as error:
        raise invalid(error) from None


def errors_by_field(error: InvalidFieldsError, language: Language) -> dict[str, list[str]]:
    """The errors by the form's field."""
    found: dict[str, list[str]] = {}
    for wrong in error.fields:
        place = [str(part) for part in wrong.place]
        depth = 2 if place[:1] == ["payload"] else 1
        message = wrong.message(language)
        inside = ".".join(place[depth:])
        found.setdefault(".".join(place[:depth]), []).append(f"{inside}: {message}" if inside else message)
    return found


async def _page(
    request: web.Request, job: Job[Any], known: Sequence[Field], values: Mapping[str, str], faults: FailureRecorder
) -> web.Response:
    named = {*(f"payload.{field.name}" for field in known), *OPTIONS}
    return render(
        request,
        "test.html",
        status=422 if faults else 200,
        jobs=list(OFFERED.values()),
        job=job,
        fields=known,
        values=values,
        faults=faults,
        elsewhere=[text for name, texts in faults.items() if name not in named for text in texts],
        agencies=await runs.agencies(request.app[DATABASE]),
        agency_fields=AGENCY_FIELDS,
        agents=AGENTS.values() if any(field.name == "agentType" for field in known) else (),
        summary=job.title.in_language(language_of(request)),
        curl=_curl(job, known, values),
        options_open=any(values.get(name) or faults.get(name) for name in OPTIONS),
    )


PAGES = [
    Page("GET", "/test", show_test, role=Role.OPERATOR),
    Page("POST", "/test/{task}", start),
    Page("POST", "/test/{task}/request", show_request, is_change=False),
]
