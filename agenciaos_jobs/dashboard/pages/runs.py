"""The list of runs, filtered by the query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from aiohttp import web

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.dashboard.labels import SOURCES, STATUSES, UNKNOWN_AGENCY
from agenciaos_jobs.dashboard.page import Page, redirect
from agenciaos_jobs.dashboard.pages.find import agency as named_agency
from agenciaos_jobs.dashboard.pages.find import suggestions
from agenciaos_jobs.dashboard.rendering import formatter, render, with_query
from agenciaos_jobs.dashboard.run_names import name_of
from agenciaos_jobs.dashboard.store import find, runs
from agenciaos_jobs.dashboard.store.run import agency_name
from agenciaos_jobs.dashboard.store.runs import FIRST_ID, LAST_ID, Filter, Listing, RunRow
from agenciaos_jobs.engine.model.run import FAILURES, Status
from agenciaos_jobs.foundation.clock import SAO_PAULO, make_id
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.foundation.redact import Redactor
from agenciaos_jobs.http.keys import CLOCK, DATABASE, LONG_READS, REDACTOR
from agenciaos_jobs.http.moments import parse_moment
from agenciaos_jobs.registry import JOBS

_EPOCH = datetime.fromtimestamp(0, UTC)

PAGE = 50
MAX_FRESH = 100

PERIODS: Mapping[str, tuple[timedelta, Text]] = {
    "1h": (timedelta(hours=1), Text("Última hora", "Last hour")),
    "24h": (timedelta(hours=24), Text("Últimas 24 horas", "Last 24 hours")),
    "7d": (timedelta(days=7), Text("Últimos 7 dias", "Last 7 days")),
    "30d": (timedelta(days=30), Text("Últimos 30 dias", "Last 30 days")),
}

GROUPS: Mapping[str, tuple[tuple[Status, ...], Text]] = {
    "open": ((Status.DELAYED, Status.QUEUED, Status.EXECUTING), Text("Em andamento", "Under way")),
    "failures": (tuple(sorted(FAILURES)), Text("Todas as falhas", "All failures")),
}

FILTERS: Mapping[str, Text] = {
    "q": Text("Busca", "Search"),
    "task": Text("Tarefa", "Task"),
    "status": Text("Situação", "Status"),
    "agency": Text("Agência", "Agency"),
    "agent": Text("Agente", "Agent"),
    "queue": Text("Fila", "Queue"),
    "source": Text("Origem", "Source"),
    "tag": Text("Etiqueta", "Tag"),
    "period": Text("Período", "Period"),
    "from": Text("De", "From"),
    "to": Text("Até", "To"),
}


@dataclass(frozen=True)
class Line:
    """A run, with what people call it, and figures derived from its times (in seconds)."""

    run: RunRow
    name: str
    excerpt: str
    wait: float | None
    duration: float | None

    @property
    def is_running(self) -> bool:
        return self.run.status is Status.EXECUTING

    @property
    def is_waiting(self) -> bool:
        return self.run.status in {Status.QUEUED, Status.DELAYED}


async def show_runs(request: web.Request) -> web.StreamResponse:
    now, database, query = request.app[CLOCK].now(), request.app[LONG_READS], request.query
    agency = await named_agency.read(database, _given(query, "agency"))
    if agency.found and agency.is_rewritten:
        return redirect(f"/runs{with_query(query, {'agency': agency.found.id})}")
    wanted = read_filter(query, now)
    found = await runs.listing(
        database, wanted, PAGE, before=_given(query, "before"), after=_given(query, "after"), max_fresh=MAX_FRESH
    )
    fmt, redactor = formatter(request), request.app[REDACTOR]
    lines = [_line(run, now, fmt, redactor) for run in found.rows]
    return render(
        request,
        "runs.html",
        lines=lines,
        found=found,
        since=_since(query, found, now),
        newer=_cursor("after", found.rows[0].id) if found.has_newer and found.rows else None,
        older=_cursor("before", found.rows[-1].id) if found.has_older and found.rows else None,
        is_first_page="before" not in query and "after" not in query,
        kept=kept_filter(query),
        chips=await filter_words(request, kept_filter(query)),
        agency=agency,
        tasks=list(JOBS),
        agents=AGENTS.values(),
        groups=GROUPS,
        periods=PERIODS,
        suggestions=await suggestions.first(database),
        views=await find.views(database),
        most_fresh=MAX_FRESH,
        done=query.get("done"),
    )


def read_filter(query: Mapping[str, str], now: datetime) -> Filter:
    """The filter in a query or a form. Unknown values are ignored."""
    first, end = FIRST_ID, LAST_ID
    if period := PERIODS.get(query.get("period", "")):
        first = _floor(now - period[0])
    if start := _moment(query.get("from")):
        first = _floor(start)
    if finish := _moment(query.get("to"), is_end=True):
        end = _floor(finish)
    if since := _given(query, "since"):
        end = min(end, since + "0")
    return Filter(
        first=first,
        end=end,
        task=_given(query, "task"),
        statuses=_statuses(query.get("status", "")),
        agency_id=_given(query, "agency"),
        tag=_given(query, "tag"),
        source=_given(query, "source"),
        text=_given(query, "q"),
        agent=_given(query, "agent"),
        queue=_given(query, "queue"),
    )


def kept_filter(query: Mapping[str, str]) -> dict[str, str]:
    """The filter's part of the query, for links that preserve it."""
    return {name: query[name] for name in FILTERS if query.get(name)}


def url_between(start: datetime, end: datetime, **wanted: str) -> str:
    """The link to runs created from ``start`` up to before ``end``."""
    return f"/runs?{urlencode(wanted | {'from': _written(start), 'to': _written(end)})}"


def _written(moment: datetime) -> str:
    """The shortest form that :func:`_moment` reads."""
    return f"{moment.astimezone(UTC):{'%Y%m%dT%H%MZ' if moment.minute else '%Y%m%dT%HZ'}}"


def _line(run: RunRow, now: datetime, fmt: Formatter, redactor: Redactor) -> Line:
    """The figures of a run at this moment."""
    waited_until = run.started_at or run.finished_at or now
    wait = max(0.0, (waited_until - min(run.due_at, waited_until)).total_seconds()) if run.attempt <= 1 else None
    duration = ((run.finished_at or now) - run.started_at).total_seconds() if run.started_at else None
    return Line(run, name_of(run.task, run.agent, run.month, fmt), redactor.text(run.excerpt or ""), wait, duration)


def in_words(name: str, value: str, fmt: Formatter) -> str:
    """The label of a filter's value."""
    known: Text | None = None
    if name == "status":
        known = GROUPS[value][1] if value in GROUPS else STATUSES.get(Status(value)) if value in STATUSES else None
    elif name == "source":
        known = SOURCES.get(value)
    elif name == "period" and value in PERIODS:
        known = PERIODS[value][1]
    elif name == "agent" and value in AGENTS:
        return AGENTS[value].name
    elif name in {"from", "to"} and (moment := _moment(value)):
        return fmt.day(date.fromisoformat(value)) if _is_date(value) else fmt.short_moment(moment)
    return fmt.of(known) if known else value


async def filter_words(request: web.Request, kept: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Each filter: its name in the query, its label, and its value in words; an agency by its name."""
    fmt = formatter(request)
    words = {name: in_words(name, value, fmt) for name, value in kept.items()}
    if "agency" in kept:
        found = await agency_name(request.app[DATABASE], kept["agency"])
        words["agency"] = found or f"{kept['agency']} ({fmt.of(UNKNOWN_AGENCY).lower()})"
    return [(name, fmt.of(FILTERS[name]), value) for name, value in words.items()]


def _since(query: Mapping[str, str], found: Listing, now: datetime) -> str:
    """The id up to which the first page shows runs, so that rows keep their place while new runs arrive."""
    return query.get("since") or (found.rows[0].id if found.rows else make_id("run", now, 0))


def _cursor(name: str, run_id: str) -> dict[str, str | None]:
    return {"before": None, "after": None, "since": None} | {name: run_id}


def _statuses(text: str) -> tuple[Status, ...] | None:
    if text in GROUPS:
        return GROUPS[text][0]
    return (Status(text),) if text in Status.__members__ else None


def _given(query: Mapping[str, str], name: str) -> str | None:
    return query.get(name, "").strip()[:500] or None


def _moment(text: str | None, *, is_end: bool = False) -> datetime | None:
    """The moment in a query. A date is its midnight in São Paulo, or its end."""
    try:
        moment = parse_moment(text) if text else None
    except ValueError:
        return None
    if moment and text and _is_date(text):
        return datetime.combine(moment.date() + timedelta(days=is_end), time(), SAO_PAULO)
    return moment if moment and moment.tzinfo else None


def _is_date(text: str) -> bool:
    return len(text) == len("2026-11-28")


def _floor(moment: datetime) -> str:
    """A lower bound of the ids of runs made at or after this moment."""
    return make_id("run", max(moment, _EPOCH), 0)[: len("run_") + 10]


PAGES = [Page("GET", "/runs", show_runs)]
