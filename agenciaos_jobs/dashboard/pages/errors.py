"""Error groups: how often they occurred, since when, for which agencies, and the actions on them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict
from urllib.parse import urlencode

from aiohttp import web

from agenciaos_jobs.dashboard import cursor
from agenciaos_jobs.dashboard.charts import Bars, Step, stacked
from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.rendering import formatter, render
from agenciaos_jobs.dashboard.store import errors as dashboard_errors
from agenciaos_jobs.dashboard.store.errors import Selection
from agenciaos_jobs.dashboard.store.run import agency_name
from agenciaos_jobs.engine.store import errors
from agenciaos_jobs.engine.store.errors import Trend
from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import BULK, CLOCK, DATABASE, LONG_READS
from agenciaos_jobs.http.moments import parse_moment
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.registry import JOBS

PAGE = 25
MAX_AGENCIES = 20
MAX_CASES = 20
MAX_REPLAYED = 10_000


class Buckets(TypedDict):
    """Equal steps of time."""

    until: datetime
    step: timedelta
    steps: int


class Filter(Buckets):
    """Which groups are listed; ``None`` for any."""

    task: str | None
    is_resolved: bool | None


@dataclass(frozen=True)
class Period:
    """A period up to now, in equal steps that begin on the hour, every six hours, or at midnight."""

    name: Text
    step: timedelta
    steps: int

    def until(self, now: datetime) -> datetime:
        """The end of the current step."""
        midnight = now.astimezone(SAO_PAULO).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        return midnight + self.step * ((now - midnight) // self.step + 1)

    def since(self, now: datetime) -> datetime:
        return self.until(now) - self.step * self.steps

    def buckets(self, now: datetime) -> Buckets:
        """The arguments of the queries."""
        return {"until": self.until(now), "step": self.step, "steps": self.steps}


PERIODS: Mapping[str, Period] = {
    "24h": Period(Text("Últimas 24 horas", "Last 24 hours"), timedelta(hours=1), 24),
    "7d": Period(Text("Últimos 7 dias", "Last 7 days"), timedelta(hours=6), 28),
    "30d": Period(Text("Últimos 30 dias", "Last 30 days"), timedelta(days=1), 30),
}

STATES: Mapping[str, tuple[bool | None, Text]] = {
    "open": (False, Text("Abertos", "Open")),
    "resolved": (True, Text("Resolvidos", "Resolved")),
    "all": (None, Text("Todos", "All")),
}

_CHOICES: Mapping[str, Any] = {"periods": PERIODS, "states": STATES}

_UNKNOWN = Text("Grupo de erros não encontrado", "Error group not found")
_NOTHING = Text("Não há execução a repetir", "There is no run to replay")


async def show_errors(request: web.Request) -> web.StreamResponse:
    query, period = request.query, _period(request.query)
    wanted = read_filter(query, request.app[CLOCK].now())
    after = cursor.read(query.get("after", ""))
    found = await errors.trends(request.app[LONG_READS], **wanted, after=after, limit=PAGE + 1)
    return render(
        request,
        "errors.html",
        trends=found[:PAGE],
        older=cursor.written(*found[PAGE - 1].group.place) if len(found) > PAGE else None,
        is_first_page="after" not in query,
        period=period,
        state=_state(query),
        **_CHOICES,
        task=wanted["task"],
        tasks=list(JOBS),
        done=query.get("done"),
    )


def read_filter(query: Mapping[str, str], now: datetime) -> Filter:
    """The filter in a query. Unknown values are ignored."""
    task = query.get("task") if query.get("task") in JOBS else None
    return {**PERIODS[_period(query)].buckets(now), "task": task, "is_resolved": STATES[_state(query)][0]}


async def show_error(request: web.Request) -> web.StreamResponse:
    """``?from=…&to=…`` selects the failures of a bar of the chart, ``?agency=…`` those of one agency."""
    now, database, period = request.app[CLOCK].now(), request.app[LONG_READS], _period(request.query)
    trend = await _trend(request, PERIODS[period], now)
    name, part = trend.group.fingerprint, _selection(request.query)
    since, until = part.since or PERIODS[period].since(now), part.until or PERIODS[period].until(now)
    return render(
        request,
        "error.html",
        group=trend.group,
        trend=trend,
        chart=_chart(trend, period, part, now, formatter(request)),
        period=period,
        agencies=await dashboard_errors.affected(database, name, since, until, MAX_AGENCIES),
        cases=await dashboard_errors.latest(database, name, part, MAX_CASES),
        is_known=trend.group.task in JOBS,
        done=request.query.get("done"),
        **await _view(request, trend, part),
    )


async def _view(request: web.Request, trend: Trend, part: Selection) -> dict[str, Any]:
    """The variables of a page about a selection: itself, its fields, its agency's name, and its runs in the list."""
    fields = _fields(part)
    name = await agency_name(request.app[DATABASE], part.agency_id) if part.agency_id else None
    listed = {"task": trend.group.task, "status": "failures", **fields}
    return {"part": part, "fields": fields, "agency": name, "listed": listed}


async def resolve(request: web.Request) -> web.StreamResponse:
    name = await _name(request)
    await errors.resolve(request.app[DATABASE], [name], request.app[CLOCK].now())
    return redirect(f"/errors/{name}?done=resolved")


async def reopen(request: web.Request) -> web.StreamResponse:
    name = await _name(request)
    await errors.reopen(request.app[DATABASE], [name])
    return redirect(f"/errors/{name}?done=reopened")


async def replay(request: web.Request) -> web.StreamResponse:
    """Replays the selected runs of the group after a confirmation. Skips runs that have a replay."""
    given, now = await form(request), request.app[CLOCK].now()
    trend, part = await _trend(request, PERIODS["24h"], now), _selection(given)
    run_ids = await dashboard_errors.unreplayed(request.app[DATABASE], trend.group.fingerprint, part, MAX_REPLAYED)
    if "confirmed" not in given:
        view = await _view(request, trend, part) | {"count": len(run_ids), "limit": MAX_REPLAYED}
        return render(request, "error_ask.html", group=trend.group, period=_period(given), **view)
    if not run_ids:
        raise RequestError(409, _NOTHING)
    return redirect(f"/bulk/{await request.app[BULK].start('replay', run_ids)}")


async def _name(request: web.Request) -> str:
    """The fingerprint of an existing group."""
    return (await _trend(request, PERIODS["24h"], request.app[CLOCK].now())).group.fingerprint


async def _trend(request: web.Request, period: Period, now: datetime) -> Trend:
    name = request.match_info["fingerprint"]
    found = await errors.trend(request.app[LONG_READS], name, **period.buckets(now))
    if found is None:
        raise RequestError(404, _UNKNOWN)
    return found


def _period(query: Mapping[str, str]) -> str:
    return query["period"] if query.get("period") in PERIODS else "24h"


def _state(query: Mapping[str, str]) -> str:
    return query["state"] if query.get("state") in STATES else "open"


def _selection(given: Mapping[str, str]) -> Selection:
    """The selection of a query or a form. A moment that is none is ignored."""
    return Selection(_moment(given.get("from")), _moment(given.get("to")), given.get("agency") or None)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parse_moment(text) if text else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _fields(part: Selection) -> dict[str, str]:
    """The query or form that selects it."""
    moments = {"from": part.since, "to": part.until}
    written = {name: f"{moment.astimezone(UTC):%Y%m%dT%H%MZ}" for name, moment in moments.items() if moment}
    return written | ({"agency": part.agency_id} if part.agency_id else {})


def _chart(trend: Trend, name: str, part: Selection, now: datetime, fmt: Formatter) -> Bars:
    """A bar per step, the last one up to now; each selects its failures, and the selected one all of them again."""
    period, steps = PERIODS[name], []
    every = 6 if period.steps == 30 else 4
    for number, count in enumerate(trend.counts):
        start = period.since(now) + number * period.step
        day = fmt.day(start.astimezone(SAO_PAULO).date())
        label = day if period.step >= timedelta(days=1) else fmt.short_moment(start)
        tick = (fmt.hour(start) if period.steps == 24 else day) if number % every == every // 2 else None
        bar = Selection(start, start + period.step, part.agency_id)
        query = {"period": name} | _fields(replace(bar, since=None, until=None) if bar == part else bar)
        steps.append(Step(label, {"bad": count}, f"?{urlencode(query)}", tick, is_chosen=bar == part))
    return stacked(steps, ("bad",), height=150)


PAGES = [
    Page("GET", "/errors", show_errors),
    Page("GET", "/errors/{fingerprint}", show_error),
    Page("POST", "/errors/{fingerprint}/resolve", resolve),
    Page("POST", "/errors/{fingerprint}/reopen", reopen),
    Page("POST", "/errors/{fingerprint}/replay", replay, detail=("agency", "from", "to")),
]
