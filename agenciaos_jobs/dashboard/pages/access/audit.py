"""The audit: who did what, to what, when and from where; as a page and as a file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import quote

from aiohttp import web

from agenciaos_jobs.dashboard.cursor import read_number
from agenciaos_jobs.dashboard.labels import ACTS, OUTCOMES
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.pages.exports.stream import ROWS, Column, send
from agenciaos_jobs.dashboard.rendering import formatter, render
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import LONG_READS
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.store import audit
from agenciaos_jobs.people.store.audit import Entry

PAGE = 50

_SUBJECT_PAGES = frozenset({"runs", "errors", "payments"})


async def show_audit(request: web.Request) -> web.StreamResponse:
    found = await _entries(request, read_number(request.query.get("before", "")), PAGE + 1)
    rows = found[:PAGE]
    return render(
        request,
        "audit.html",
        rows=[(entry, subject_page(entry), result_page(entry)) for entry in rows],
        older=rows[-1].id if len(found) > PAGE else None,
        is_first_page="before" not in request.query,
        is_filtered=any(request.query.get(name) for name in ("actor", "action", "subject")),
        acts=ACTS,
        outcomes=OUTCOMES,
    )


async def export_audit(request: web.Request) -> web.StreamResponse:
    """All entries that match the filter, newest first."""
    return await send(request, Text("auditoria", "audit"), _columns(formatter(request)), _pages(request))


async def _pages(request: web.Request) -> AsyncIterator[Sequence[Entry]]:
    before = None
    while True:
        found = await _entries(request, before, ROWS)
        yield found
        if len(found) < ROWS:
            return
        before = found[-1].id


async def _entries(request: web.Request, before: int | None, limit: int) -> list[Entry]:
    query = request.query
    return await audit.page(
        request.app[LONG_READS],
        before=before,
        actor=_given(query, "actor"),
        action=_given(query, "action"),
        subject=_given(query, "subject"),
        limit=limit,
    )


def subject_page(entry: Entry) -> str | None:
    """The page of what was acted on; ``None`` where it has none."""
    kind = entry.action.partition("/")[0]
    return f"/{kind}/{quote(entry.subject, safe='')}" if entry.subject and kind in _SUBJECT_PAGES else None


def result_page(entry: Entry) -> str | None:
    """The page of what came of it, if that is another run or a bulk action."""
    led_to = (entry.led_to or "").partition("?")[0]
    if entry.origin == "cli":
        return f"/runs/{led_to}" if led_to.startswith("run_") and " " not in led_to else None
    found = led_to[led_to.find("/runs/run_") :] if "/runs/run_" in led_to else led_to[led_to.find("/bulk/") :]
    is_other = found.startswith(("/runs/run_", "/bulk/")) and found != subject_page(entry)
    return found if is_other else None


def _columns(fmt: Formatter) -> list[Column[Entry]]:
    def action(entry: Entry) -> str:
        act = ACTS.get(entry.action)
        return fmt.of(act) if act else entry.action

    return [
        Column("actedAt", Text("Quando", "When"), lambda entry: entry.acted_at),
        Column("actor", Text("Quem", "Who"), lambda entry: entry.actor),
        Column("address", Text("De onde", "From"), lambda entry: entry.address),
        Column("actionText", Text("Ação", "Action"), action),
        Column("action", Text("Código da ação", "Action's code"), lambda entry: entry.action),
        Column("subject", Text("Sobre", "Subject"), lambda entry: entry.subject),
        Column("detail", Text("Detalhe", "Detail"), lambda entry: entry.detail),
        Column("outcome", Text("Resultado", "Result"), lambda entry: fmt.of(OUTCOMES[entry.outcome][0])),
        Column("ledTo", Text("Levou a", "Led to"), lambda entry: entry.led_to),
    ]


def _given(query: Mapping[str, str], name: str) -> str | None:
    return query.get(name, "").strip()[:500] or None


PAGES = [
    Page("GET", "/audit", show_audit, role=Role.ADMIN),
    Page("GET", "/audit.{kind:csv|json}", export_audit, role=Role.ADMIN),
]
