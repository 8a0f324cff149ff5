"""Bulk actions on runs: those that were ticked, or all that match a filter."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from aiohttp import web

from agenciaos_jobs.dashboard.page import Page, form_lists, redirect
from agenciaos_jobs.dashboard.pages.runs import filter_words, kept_filter, read_filter
from agenciaos_jobs.dashboard.rendering import render
from agenciaos_jobs.dashboard.store import bulk as progress
from agenciaos_jobs.dashboard.store import runs
from agenciaos_jobs.dashboard.store.bulk import State
from agenciaos_jobs.dashboard.store.runs import Filter
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store import bulk
from agenciaos_jobs.engine.store.bulk import Action
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import BULK, CLOCK, DATABASE, LONG_READS
from agenciaos_jobs.http.problems import RequestError

MAX_RUNS = 10_000
MAX_SHOWN = 200
AUDITED = ("action", "task", "status", "agency", "source", "period", "from", "to", "run")
"""What the audit keeps of the form. Tags and what was searched for may hold personal data."""

_OPEN = frozenset({Status.DELAYED, Status.QUEUED, Status.EXECUTING})
_NOTHING = Text("Nenhuma execução foi escolhida", "No run was chosen")
_UNKNOWN = Text("Esta ação em massa não existe", "There is no such bulk action")


async def act(request: web.Request) -> web.StreamResponse:
    """Starts at once for ticked runs; asks for confirmation for all that match the filter."""
    given = await form_lists(request)
    fields = {name: values[-1] for name, values in given.items()}
    wanted, _, scope = fields.get("action", "").partition("-")
    if wanted not in get_args(Action):
        raise RequestError(400, _NOTHING)
    action: Action = "cancel" if wanted == "cancel" else "replay"
    run_ids = given.get("run", [])[:MAX_RUNS]
    if scope == "all":
        found = narrowed(read_filter(fields, request.app[CLOCK].now()), action)
        run_ids = await runs.matching(request.app[LONG_READS], found, MAX_RUNS)
        if "confirmed" not in fields:
            return await _ask(request, action, fields, len(run_ids))
    if not run_ids:
        raise RequestError(400, _NOTHING)
    return redirect(f"/bulk/{await request.app[BULK].start(action, list(dict.fromkeys(run_ids)))}")


def narrowed(wanted: Filter, action: Action) -> Filter:
    """The filter, limited to runs that the action applies to: unfinished ones to cancel, finished ones to replay."""
    chosen = set(wanted.statuses or Status)
    return replace(wanted, statuses=tuple(sorted(chosen & _OPEN if action == "cancel" else chosen - _OPEN)))


async def _ask(request: web.Request, action: Action, fields: Mapping[str, str], count: int) -> web.Response:
    kept = kept_filter(fields)
    shown = [(label, value) for _, label, value in await filter_words(request, kept)]
    if fields.get("since"):
        kept["since"] = fields["since"]
    return render(request, "bulk_ask.html", action=action, fields=kept, shown=shown, count=count, limit=MAX_RUNS)


async def show(request: web.Request) -> web.StreamResponse:
    """The progress of a bulk action. A replay goes on until its new runs have ended."""
    database, bulk_id = request.app[DATABASE], request.match_info["bulk_id"]
    asked = await bulk.get(database, bulk_id)
    if asked is None:
        raise RequestError(404, _UNKNOWN)
    sums = await progress.sums(database, bulk_id)
    if sums[State.LEFT]:
        request.app[BULK].work_on(bulk_id)
    wanted = request.query.get("only", "")
    only = State(wanted) if wanted in progress.OF_STATUS else None
    return render(
        request,
        "bulk.html",
        asked=asked,
        sums=sums,
        total=sums.total(),
        ended=sums.total() - sums[State.LEFT] - sums[State.OPEN],
        tone=_tone(sums),
        only=only,
        choices=progress.OF_STATUS,
        results=await progress.items(database, bulk_id, only, MAX_SHOWN),
        most_shown=MAX_SHOWN,
    )


def _tone(sums: Counter[State]) -> str:
    """The colour of the progress: red if all failed, amber if some did, green once all have ended without a failure."""
    if failed := sums[State.PROBLEM] + sums[State.FAILED_AGAIN]:
        return "bad" if failed == sums.total() else "near"
    return "" if sums[State.LEFT] or sums[State.OPEN] else "good"


PAGES = [Page("POST", "/runs/bulk", act, detail=AUDITED), Page("GET", "/bulk/{bulk_id}", show)]
