"""Trigger.dev's ``runs.bulk``: cancel or replay many runs, chosen by their ids or by a filter."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Literal

from aiohttp import web

from agenciaos_jobs.engine.store import bulk
from agenciaos_jobs.engine.store.bulk import BulkAction
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import answer, read_model
from agenciaos_jobs.http.keys import BULK, CLOCK, DATABASE, LONG_READS
from agenciaos_jobs.http.moments import from_milliseconds
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import wrong_field
from agenciaos_jobs.trigger_dev import run_list as listing
from agenciaos_jobs.trigger_dev.models.bulk import (
    MAX_RUNS,
    BulkCounts,
    BulkCreation,
    BulkFilter,
    BulkHandle,
    BulkList,
    BulkObject,
)
from agenciaos_jobs.trigger_dev.store import run_list
from agenciaos_jobs.trigger_dev.store.run_list import RunFilter


class UnknownBulkActionError(DomainError):
    """There is no bulk action with this id."""

    status = 404
    text = Text("Ação em massa não encontrada", "Bulk action not found")


async def create_bulk_action(request: web.Request) -> web.Response:
    body = await read_model(request, BulkCreation)
    if (body.filter is None) == (body.run_ids is None):
        raise wrong_field("filter", "either_filter_or_ids", "either filter or runIds must be given")
    run_ids = body.run_ids if body.filter is None else await _matching(request, body.filter, body.action)
    return answer(
        BulkHandle(id=await request.app[BULK].start(body.action, list(dict.fromkeys(run_ids or ())), body.name))
    )


async def list_bulk_actions(request: web.Request) -> web.Response:
    size = listing.read_size(request)
    after, before = request.query.get("page[after]") or None, request.query.get("page[before]") or None
    found = await bulk.page(request.app[DATABASE], size + 1, after, before)
    shown, pagination = listing.paginated(found, size, after=after, before=before)
    return answer(BulkList(data=[await _object(request, action) for action in shown], pagination=pagination))


async def retrieve_bulk_action(request: web.Request) -> web.Response:
    return answer(await _object(request, await _get(request)))


async def abort_bulk_action(request: web.Request) -> web.Response:
    action = await _get(request)
    await request.app[BULK].abort(action.id)
    return answer(BulkHandle(id=action.id))


async def _get(request: web.Request) -> BulkAction:
    action = await bulk.get(request.app[DATABASE], request.match_info["bulk_id"])
    if action is None:
        raise UnknownBulkActionError(request.match_info["bulk_id"])
    return action


async def _object(request: web.Request, action: BulkAction) -> BulkObject:
    progress = await bulk.progress(request.app[DATABASE], action.id)
    left, failed = progress.get(None, 0), progress.get("failed", 0)
    total = sum(progress.values())
    status: Literal["PENDING", "COMPLETED", "ABORTED"] = "PENDING" if left else "COMPLETED"
    return BulkObject(
        id=action.id,
        name=action.name,
        type="CANCEL" if action.action == "cancel" else "REPLAY",
        status="ABORTED" if action.aborted_at else status,
        counts=BulkCounts(total=total, success=total - left - failed, failure=failed),
        created_at=action.asked_at,
        completed_at=action.aborted_at or action.completed_at,
    )


async def _matching(request: web.Request, criteria: BulkFilter, action: bulk.Action) -> Collection[str]:
    """The runs that match. Raises 422 without a criterion, for an unknown status, and for too many runs."""
    if not any(value not in (None, [], "") for value in criteria.model_dump().values()):
        raise wrong_field("filter", "no_criterion", "at least one criterion must be given")
    if criteria.version or criteria.machine or criteria.region or criteria.bulk_action:
        return []
    wanted = _filter(request, criteria)
    found = [] if wanted is None else await run_list.page(request.app[LONG_READS], wanted, MAX_RUNS + 1)
    if len(found) > MAX_RUNS:
        raise wrong_field(
            "filter", "too_many_runs", f"matches more than {MAX_RUNS} runs; narrow it down", most=MAX_RUNS
        )
    return [run.id for run in found]


def _filter(request: web.Request, criteria: BulkFilter) -> RunFilter | None:
    statuses = None
    if criteria.status is not None:
        statuses = listing.known_statuses(criteria.status, "filter.status")
        if not statuses:
            return None
    tasks = set(criteria.task_identifier) if criteria.task_identifier else None
    own = {queue.name for queue in criteria.queue or () if queue.type == "task"}
    if own:
        tasks = own if tasks is None else own & tasks
    custom = [queue.name for queue in criteria.queue or () if queue.type == "custom"]
    since, until = _moment(criteria.from_), _moment(criteria.to)
    if criteria.period:
        earliest = request.app[CLOCK].now() - listing.read_period(criteria.period, "filter.period")
        since = max(earliest, since or earliest)
    return RunFilter(
        statuses=statuses,
        tasks=None if tasks is None else sorted(tasks),
        tags=criteria.tag,
        queues=custom or None,
        schedule_id=criteria.schedule,
        batch_id=criteria.batch,
        is_test=criteria.is_test,
        created_from=since,
        created_to=until,
    )


def _moment(given: datetime | int | None) -> datetime | None:
    if isinstance(given, int):
        return from_milliseconds(str(given))
    return given if given is None or given.tzinfo else given.replace(tzinfo=UTC)


_PATH = "/api/v1/bulk-actions"
_ID = {"bulk_id": {"type": "string", "minLength": 1}}

OPERATIONS = [
    Operation(
        "POST",
        _PATH,
        create_bulk_action,
        Text("Cancela ou repete muitas execuções", "Cancels or replays many runs"),
        answers={200: BulkHandle},
        request=BulkCreation,
        problems=(400, 408, 413, 415, 422, 503),
    ),
    Operation(
        "GET",
        _PATH,
        list_bulk_actions,
        Text("Ações em massa, as mais novas primeiro", "Bulk actions, the newest first"),
        answers={200: BulkList},
        query={name: listing.QUERY[name] for name in ("page[size]", "page[after]", "page[before]")},
        problems=(422, 503),
    ),
    Operation(
        "GET",
        f"{_PATH}/{{bulk_id}}",
        retrieve_bulk_action,
        Text("Uma ação em massa", "A bulk action"),
        answers={200: BulkObject},
        parameters=_ID,
        problems=(404, 503),
    ),
    Operation(
        "POST",
        f"{_PATH}/{{bulk_id}}/abort",
        abort_bulk_action,
        Text("Interrompe uma ação em massa", "Aborts a bulk action"),
        answers={200: BulkHandle},
        parameters=_ID,
        problems=(404, 503),
    ),
]
