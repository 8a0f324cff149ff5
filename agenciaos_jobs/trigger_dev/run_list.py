"""``GET /api/v1/runs``: Trigger.dev's ``runs.list``, with its filters and pagination."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from aiohttp import web

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.duration import parse_duration
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import fields
from agenciaos_jobs.http.body import answer
from agenciaos_jobs.http.keys import CLOCK, LONG_READS
from agenciaos_jobs.http.moments import from_milliseconds, parse_moment
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import wrong_field
from agenciaos_jobs.http.scopes import reads
from agenciaos_jobs.trigger_dev.models.runs import SdkListedRun, summary
from agenciaos_jobs.trigger_dev.options import WireModel
from agenciaos_jobs.trigger_dev.store import run_list
from agenciaos_jobs.trigger_dev.store.run_list import RunFilter
from agenciaos_jobs.trigger_dev.tokens import resources

DEFAULT_SIZE, MAX_SIZE = 25, 100

OWN_QUEUE = "task/"
"""The SDK's prefix for the name of a task's own queue."""

# Statuses of Trigger.dev that no run of this service ever has.
_FOREIGN = {
    *("PENDING_VERSION", "DEQUEUED", "WAITING", "WAITING_FOR_DEPLOY"),
    *("REATTEMPTING", "FROZEN", "INTERRUPTED"),
}
_UNKNOWN_HERE = ("filter[version]", "filter[bulkAction]", "filter[machine]", "filter[region]")


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Listed = TypeVar("Listed", bound=_HasId)


class RunPagination(WireModel):
    """The cursors of the neighbouring pages.

    ``next`` goes into ``page[after]`` for older runs, ``previous`` into ``page[before]`` for newer ones.
    """

    next: str | None = None
    previous: str | None = None


class RunList(WireModel):
    """Runs, newest first."""

    data: list[SdkListedRun]
    pagination: RunPagination


async def list_runs(request: web.Request) -> web.Response:
    wanted, size = read_filter(request), read_size(request)
    after, before = _text(request, "page[after]"), _text(request, "page[before]")
    if wanted is None:
        return answer(RunList(data=[], pagination=RunPagination()))
    database = request.app[LONG_READS]
    found = await run_list.page(database, wanted, size + 1, after=after, before=before)
    shown, pagination = paginated(found, size, after=after, before=before)
    worked = await run_list.worked(database, [run.id for run in shown])
    listed = [SdkListedRun(**summary(run, worked[run.id].time, worked[run.id].cost)) for run in shown]
    return answer(RunList(data=listed, pagination=pagination))


async def list_project_runs(request: web.Request) -> web.Response:
    """Lists the runs of the only project, under any name."""
    return await list_runs(request)


def read_filter(request: web.Request) -> RunFilter | None:
    """The filter in the query; ``None`` where no run can match. Raises 422 for an invalid value."""
    if any(request.query.get(name) for name in _UNKNOWN_HERE):
        return None
    statuses = _statuses(request)
    if statuses is not None and not statuses:
        return None
    since, until = read_times(request)
    tasks, queues = read_several(request, "filter[taskIdentifier]"), read_several(request, "filter[queue]")
    if queues and all(queue.startswith(OWN_QUEUE) for queue in queues):
        own, queues = {queue.removeprefix(OWN_QUEUE) for queue in queues}, None
        tasks = sorted(own if tasks is None else own.intersection(tasks))
    return RunFilter(
        statuses=statuses,
        tasks=tasks,
        tags=read_several(request, "filter[tag]"),
        queues=queues,
        schedule_id=_text(request, "filter[schedule]"),
        batch_id=_text(request, "filter[batch]"),
        is_test=_flag(request, "filter[isTest]"),
        created_from=since,
        created_to=until,
    )


def paginated(
    found: Sequence[Listed], size: int, *, after: str | None, before: str | None
) -> tuple[Sequence[Listed], RunPagination]:
    """A page of what was found, newest first and one more than ``size`` if there is more, and its cursors."""
    has_more = len(found) > size
    shown = found[-size:] if before else found[:size]
    if not shown:
        return shown, RunPagination()
    has_older, has_newer = has_more or before is not None, has_more if before else after is not None
    return shown, RunPagination(next=shown[-1].id if has_older else None, previous=shown[0].id if has_newer else None)


def read_times(request: web.Request) -> tuple[datetime | None, datetime | None]:
    """The times between which what is listed was created. Raises 422 for an invalid value."""
    since, until = _moment(request, "from"), _moment(request, "to")
    if period := request.query.get("filter[createdAt][period]"):
        since = max(request.app[CLOCK].now() - read_period(period), since or datetime.min.replace(tzinfo=UTC))
    return since, until


def known_statuses(given: Collection[str], name: str) -> list[Status]:
    """Those statuses that runs of this service have. Raises 422 for what is no status of Trigger.dev's either."""
    known = set(Status)
    for status in given:
        if status not in known | _FOREIGN:
            expected = ", ".join(sorted(known))
            raise wrong_field(name, "literal_error", f"should be one of {expected}", expected=expected)
    return [Status(status) for status in given if status in known]


def _statuses(request: web.Request) -> list[Status] | None:
    given = read_several(request, "filter[status]")
    return None if given is None else known_statuses(given, "filter[status]")


def _text(request: web.Request, name: str) -> str | None:
    return request.query.get(name) or None


def read_several(request: web.Request, name: str) -> list[str] | None:
    """The values of a filter, with commas between them; ``None`` without one."""
    text = _text(request, name)
    return [part.strip() for part in text.split(",") if part.strip()] if text else None


def _flag(request: web.Request, name: str) -> bool | None:
    text = request.query.get(name)
    if text not in {None, "", "true", "false"}:
        raise wrong_field(name, "bool_parsing", "should be true or false")
    return None if not text else text == "true"


def _moment(request: web.Request, end: str) -> datetime | None:
    """A time as ISO 8601, or as unix milliseconds, which the SDK sends for a date."""
    name = f"filter[createdAt][{end}]"
    text = request.query.get(name)
    if not text:
        return None
    try:
        moment = from_milliseconds(text) if text.lstrip("-").isdecimal() else parse_moment(text)
    except ValueError:
        raise wrong_field(name, "datetime_parsing", "should be a date and time, or unix milliseconds") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_period(text: str, name: str = "filter[createdAt][period]") -> timedelta:
    """A duration such as ``1d``. Raises 422 for anything else."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise wrong_field(name, "duration", str(error)) from None


def read_size(request: web.Request) -> int:
    """The size of a page. Raises 422 for an invalid one."""
    return fields.read_size(request, "page[size]", DEFAULT_SIZE, MAX_SIZE)


_TEXT = {"type": "string"}
QUERY: Mapping[str, Mapping[str, Any]] = {
    "filter[status]": {"type": "string", "description": "several with commas between them"},
    "filter[taskIdentifier]": _TEXT,
    "filter[tag]": _TEXT,
    "filter[queue]": _TEXT,
    "filter[schedule]": _TEXT,
    "filter[batch]": _TEXT,
    "filter[isTest]": {"type": "string", "enum": ["true", "false"]},
    "filter[createdAt][from]": {"type": "string", "description": "ISO 8601, or unix milliseconds"},
    "filter[createdAt][to]": {"type": "string", "description": "ISO 8601, or unix milliseconds"},
    "filter[createdAt][period]": {"type": "string", "description": "such as 1d"},
    "page[size]": {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": DEFAULT_SIZE},
    "page[after]": {"type": "string", "description": "a run's id: what is older"},
    "page[before]": {"type": "string", "description": "a run's id: what is newer"},
}
"""The query parameters of a list, for the OpenAPI document."""

_SUMMARY = Text("Execuções, das mais novas às mais antigas", "Runs, the newest first")

OPERATIONS = [
    Operation(
        "GET",
        "/api/v1/runs",
        list_runs,
        _SUMMARY,
        {200: RunList},
        query=QUERY,
        problems=(422, 503),
        token_access=reads(resources.of_list),
    ),
    Operation(
        "GET",
        "/api/v1/projects/{project}/runs",
        list_project_runs,
        _SUMMARY,
        {200: RunList},
        parameters={"project": {"type": "string", "minLength": 1}},
        query=QUERY,
        problems=(422, 503),
    ),
]
