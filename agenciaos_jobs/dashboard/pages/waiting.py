"""What a run waits for: the reason on its page, and the tokens that a person completes."""

from typing import Any

import orjson
from aiohttp import web

from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.payload_form import NOT_JSON
from agenciaos_jobs.dashboard.rendering import language_of, render
from agenciaos_jobs.dashboard.store import waiting
from agenciaos_jobs.dashboard.waiting import Reason, wait_of
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.history import StoredRun
from agenciaos_jobs.engine.store.wait_tokens import WaitToken
from agenciaos_jobs.engine.wait_tokens import UnknownTokenError
from agenciaos_jobs.foundation import json_input
from agenciaos_jobs.foundation.errors import InvalidFieldsError
from agenciaos_jobs.http.keys import CLOCK, DATABASE, WAIT_TOKENS
from agenciaos_jobs.people.role import Role


async def view_of(request: web.Request, run: StoredRun) -> dict[str, Any]:
    """The variables of ``waiting.html`` for a run."""
    database, now = request.app[DATABASE], request.app[CLOCK].now()
    if run.status.is_final:
        return {"waiting": None, "tokens": [], "holders": []}
    tokens = await waiting.tokens(database, run.id, now)
    is_waiting = run.status is not Status.EXECUTING
    facts = await waiting.facts(database, run.id, now) if is_waiting else None
    wait = wait_of(run, facts, now, has_tokens=bool(tokens)) if facts else None
    is_full = wait and wait.reason is Reason.KEY_FULL and run.concurrency_key
    holders = await waiting.key_holders(database, run.concurrency_key) if is_full and run.concurrency_key else []
    return {"waiting": wait, "tokens": tokens, "holders": holders}


async def show_token(request: web.Request) -> web.StreamResponse:
    return _show(request, await _token(request), "", None)


async def complete_token(request: web.Request) -> web.StreamResponse:
    """Completes a token with the form's JSON, or with ``null`` where it is empty, and leads back to the run."""
    token = await _token(request)
    text = (await form(request)).get("output", "").strip()
    try:
        output = json_input.parse(text) if text else None
    except (orjson.JSONDecodeError, InvalidFieldsError) as error:
        language = language_of(request)
        refused = error.fields[0].message(language) if isinstance(error, InvalidFieldsError) else None
        return _show(request, token, text, refused or NOT_JSON.in_language(language))
    await request.app[WAIT_TOKENS].complete(token.id, output)
    return redirect(f"/runs/{request.match_info['run_id']}?done=token")


async def _token(request: web.Request) -> WaitToken:
    """The token of the path, if its run waits for it. Raises :class:`UnknownTokenError`."""
    run_id, token_id = request.match_info["run_id"], request.match_info["token_id"]
    for token in await waiting.tokens(request.app[DATABASE], run_id, request.app[CLOCK].now()):
        if token.id == token_id:
            return token
    raise UnknownTokenError(token_id)


def _show(request: web.Request, token: WaitToken, text: str, fault: str | None) -> web.Response:
    run_id, status = request.match_info["run_id"], 422 if fault else 200
    return render(request, "token.html", status=status, run_id=run_id, token=token, text=text, fault=fault)


PAGES = [
    Page("GET", "/runs/{run_id}/tokens/{token_id}", show_token, role=Role.OPERATOR),
    Page("POST", "/runs/{run_id}/tokens/{token_id}", complete_token),
]
