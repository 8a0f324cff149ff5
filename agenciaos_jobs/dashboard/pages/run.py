"""A run: its timeline, its output, its log, and the actions on it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from agenciaos_jobs.ai_content.store import feedback
from agenciaos_jobs.dashboard.content import content_of
from agenciaos_jobs.dashboard.failures.explanation import explain
from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.pages import waiting
from agenciaos_jobs.dashboard.pages.runs import kept_filter, read_filter
from agenciaos_jobs.dashboard.rendering import HEADERS, formatter, language_of, render
from agenciaos_jobs.dashboard.run_names import name_of
from agenciaos_jobs.dashboard.store import run as dashboard_run
from agenciaos_jobs.dashboard.store import runs
from agenciaos_jobs.dashboard.timeline import Bar, Parts, bars, spans
from agenciaos_jobs.engine.store import history
from agenciaos_jobs.engine.store.history import Attempt, StoredRun
from agenciaos_jobs.engine.store.run_logs import LogLine
from agenciaos_jobs.foundation import json_input
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK, CONTROL, DATABASE, REDACTOR
from agenciaos_jobs.http.problems import RequestError, invalid
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.registry import JOBS

MAX_LINES = 500
MAX_PARTS = 50
MASKED = ("payload", "output", "metadata", "error")
"""The parts of a run that may hold secrets."""

LEVELS: Mapping[str, tuple[str, ...]] = {
    "info": ("info", "warning", "error", "critical"),
    "warning": ("warning", "error", "critical"),
    "error": ("error", "critical"),
}
"""The levels that a chosen one includes; all without a choice."""

_NOT_JSON = Text("não é JSON válido (linha {line}, coluna {column})", "not valid JSON (line {line}, column {column})")
_NOT_AN_OBJECT = Text("deve ser um objeto", "must be an object")
_UNKNOWN_TASK = Text("Esta tarefa não existe mais", "This task no longer exists")


async def show_run(request: web.Request) -> web.StreamResponse:
    database, now, redactor = request.app[DATABASE], request.app[CLOCK].now(), request.app[REDACTOR]
    run = await _run(request)
    attempts = await history.attempts(database, run.id)
    newer, older = await runs.neighbours(database, read_filter(request.query, now), run.id)
    return render(
        request,
        "run.html",
        run=run,
        attempts=attempts,
        bars=await _bars(request, run, attempts),
        now=now,
        **{name: redactor.value(getattr(run, name)) for name in MASKED},
        failure=explain(run.task, run.error) if run.error else None,
        content=content_of(run),
        verdicts=await feedback.of_runs(database, [run.id]),
        log=await _log(request, run),
        levels=LEVELS,
        most_lines=MAX_LINES,
        billed=await dashboard_run.billed(database, run.id),
        **await waiting.view_of(request, run),
        replays=await dashboard_run.replays(database, run.id),
        agency=await _agency(request, run),
        name=name_of(
            run.task, _text(run.payload.get("agentType")), _text(run.payload.get("month")), formatter(request)
        ),
        is_known=run.task in JOBS,
        newer=newer,
        older=older,
        kept=kept_filter(request.query),
        done=request.query.get("done"),
    )


async def _bars(request: web.Request, run: StoredRun, attempts: Sequence[Attempt]) -> list[Bar]:
    """The timeline: up to :data:`MAX_PARTS` waits for tokens and child runs, and the calls of all attempts."""
    database, now = request.app[DATABASE], request.app[CLOCK].now()
    calls = await dashboard_run.calls(database, run.id)
    tokens = await dashboard_run.token_waits(database, run.id, MAX_PARTS)
    children = await dashboard_run.children(database, run.id, MAX_PARTS)
    return bars(spans(run, attempts, Parts(calls, tokens, children), now), now)


async def _agency(request: web.Request, run: StoredRun) -> str | None:
    """The name of the run's agency; ``None`` without one, and for one that the application does not have."""
    return await dashboard_run.agency_name(request.app[DATABASE], run.agency_id) if run.agency_id else None


async def _log(request: web.Request, run: StoredRun) -> list[LogLine]:
    """The log lines that match the query."""
    levels, text = LEVELS.get(request.query.get("level", "")), request.query.get("find", "")
    return await dashboard_run.log(request.app[DATABASE], run.id, levels=levels, text=text, limit=MAX_LINES)


async def show_json(request: web.Request) -> web.StreamResponse:
    """The payload or the output, which the run's page leaves out when it is long."""
    value = getattr(await _run(request), request.match_info["name"])
    text = _pretty(request.app[REDACTOR].value(value))
    return web.Response(text=text, content_type="application/json", headers=HEADERS)


async def cancel(request: web.Request) -> web.StreamResponse:
    run_id = request.match_info["run_id"]
    was_ended = await request.app[CONTROL].cancel(run_id)
    return redirect(f"/runs/{run_id}?done={'canceled' if was_ended else 'over'}")


async def replay(request: web.Request) -> web.StreamResponse:
    """Asks first: a key press or a wrong click may start a billed generation."""
    run = await _run(request)
    _require_task(run)
    if not (await form(request)).get("confirmed"):
        billed = await dashboard_run.billed(request.app[DATABASE], run.id)
        return render(request, "replay_ask.html", run=run, billed=billed, agency=await _agency(request, run))
    try:
        accepted = await request.app[CONTROL].replay(run.id)
    except ValidationError as error:
        return _edit(request, run, _pretty(request.app[REDACTOR].value(run.payload)), _faults(error, request))
    return redirect(f"/runs/{accepted.run_id}?done=replayed")


async def show_edit(request: web.Request) -> web.StreamResponse:
    run = await _run(request)
    _require_task(run)
    return _edit(request, run, _pretty(request.app[REDACTOR].value(run.payload)), [])


async def replay_edited(request: web.Request) -> web.StreamResponse:
    """Replays with an edited payload, validated as a trigger's is. Masked values keep their stored ones."""
    run = await _run(request)
    _require_task(run)
    text = (await form(request)).get("payload", "")
    language = language_of(request)
    try:
        given = json_input.parse(text)
    except orjson.JSONDecodeError as error:
        fault = _NOT_JSON.format(line=error.lineno, column=error.colno).in_language(language)
        return _edit(request, run, text, [("", fault)])
    except InvalidFieldsError as error:
        return _edit(request, run, text, _faults(error, request))
    if not isinstance(given, dict):
        return _edit(request, run, text, [("", _NOT_AN_OBJECT.in_language(language))])
    try:
        payload = request.app[REDACTOR].restore(given, run.payload)
        accepted = await request.app[CONTROL].replay(run.id, payload=payload)
    except ValidationError as error:
        return _edit(request, run, text, _faults(error, request))
    return redirect(f"/runs/{accepted.run_id}?done=replayed")


def _edit(request: web.Request, run: StoredRun, text: str, faults: list[tuple[str, str]]) -> web.Response:
    return render(request, "replay.html", status=422 if faults else 200, run=run, text=text, faults=faults)


def _faults(error: ValidationError | InvalidFieldsError, request: web.Request) -> list[tuple[str, str]]:
    """Each invalid field with its error."""
    language = language_of(request)
    refused = invalid(error) if isinstance(error, ValidationError) else error
    return [(".".join(map(str, wrong.place)), wrong.message(language)) for wrong in refused.fields]


async def _run(request: web.Request) -> StoredRun:
    return await request.app[CONTROL].get(request.match_info["run_id"])


def _require_task(run: StoredRun) -> None:
    if run.task not in JOBS:
        raise RequestError(409, _UNKNOWN_TASK)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _pretty(payload: Any) -> str:
    return orjson.dumps(payload, option=orjson.OPT_INDENT_2).decode()


PAGES = [
    Page("GET", "/runs/{run_id}", show_run),
    Page("GET", "/runs/{run_id}/{name:payload|output}.json", show_json),
    Page("POST", "/runs/{run_id}/cancel", cancel),
    Page("POST", "/runs/{run_id}/replay", replay),
    Page("GET", "/runs/{run_id}/edit", show_edit, role=Role.OPERATOR),
    Page("POST", "/runs/{run_id}/edit", replay_edited),
]
