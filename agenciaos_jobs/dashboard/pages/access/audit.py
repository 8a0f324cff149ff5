"""The audit: who did what, to what, when and from where; as a page and as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from aiohttp import web

from agenciaos_jobs.dashboard.labels import ACTS, OUTCOMES
from agenciaos_jobs.dashboard.page import Page
from agenciaos_jobs.dashboard.rendering import HEADERS, formatter, render
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.http.keys import LONG_READS
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.store import audit
from agenciaos_jobs.people.store.audit import Entry
from agenciaos_jobs.reports.documents.csv_sheet import escape_formula

PAGE = 50
CHUNK = 1_000
"""Entries of the CSV file that are read at once."""

_SUBJECT_PAGES = frozenset({"runs", "errors", "payments"})


async def show_audit(request: web.Request) -> web.StreamResponse:
    found = await _entries(request, _number(request.query.get("before", "")), PAGE + 1)
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


async def download(request: web.Request) -> web.StreamResponse:
    """All entries that match the filter, newest first, as they are read."""
    fmt = formatter(request)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="auditoria.csv"'}
    response = web.StreamResponse(headers={**headers, "Content-Type": "text/csv; charset=utf-8"})
    await response.prepare(request)
    await response.write(_sheet([_columns(fmt)]).encode("utf-8-sig"))
    before = None
    while found := await _entries(request, before, CHUNK):
        await response.write(_sheet(_line(entry, fmt) for entry in found).encode())
        before = found[-1].id
    await response.write_eof()
    return response


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


def _columns(fmt: Formatter) -> list[str]:
    return [
        fmt.text("Quando", "When"),
        fmt.text("Quem", "Who"),
        fmt.text("De onde", "From"),
        fmt.text("Ação", "Action"),
        fmt.text("Código da ação", "Action's code"),
        fmt.text("Sobre", "Subject"),
        fmt.text("Detalhe", "Detail"),
        fmt.text("Resultado", "Result"),
        fmt.text("Levou a", "Led to"),
    ]


def _line(entry: Entry, fmt: Formatter) -> list[str]:
    act, outcome = ACTS.get(entry.action), OUTCOMES[entry.outcome][0]
    texts = (
        entry.actor,
        entry.address,
        fmt.of(act) if act else entry.action,
        entry.action,
        entry.subject,
        entry.detail,
        fmt.of(outcome),
        entry.led_to or "",
    )
    return [fmt.moment_to_the_second(entry.acted_at), *map(escape_formula, texts)]


def _sheet(lines: Iterable[list[str]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(lines)
    return file.getvalue()


def _given(query: Mapping[str, str], name: str) -> str | None:
    return query.get(name, "").strip()[:500] or None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


PAGES = [
    Page("GET", "/audit", show_audit, role=Role.ADMIN),
    Page("GET", "/audit.csv", download, role=Role.ADMIN),
]
