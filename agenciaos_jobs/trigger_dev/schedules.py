"""Trigger.dev's endpoints for schedules."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from agenciaos_jobs.engine.model import cron
from agenciaos_jobs.engine.schedule_admin import DeclaredByJobError
from agenciaos_jobs.engine.store import schedules
from agenciaos_jobs.engine.store.schedules import StoredSchedule
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import answer, as_model, read_model
from agenciaos_jobs.http.keys import CLOCK, DATABASE, SCHEDULE_ADMIN
from agenciaos_jobs.http.language import accepted_language
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.trigger_dev.models.schedules import (
    PageRequest,
    ScheduleCreation,
    ScheduleId,
    ScheduleList,
    ScheduleObject,
    SchedulePagination,
    ScheduleUpdate,
    Timezones,
    as_object,
)


async def create_schedule(request: web.Request) -> web.Response:
    body = await read_model(request, ScheduleCreation)
    return _answer(request, await request.app[SCHEDULE_ADMIN].create(body.wanted, body.deduplication_key))


async def list_schedules(request: web.Request) -> web.Response:
    database = request.app[DATABASE]
    query = as_model(dict(request.query), PageRequest)
    count = await schedules.count(database)
    stored = await schedules.page(database, query.per_page, query.page)
    pagination = SchedulePagination(current_page=query.page, total_pages=-(-count // query.per_page), count=count)
    return answer(ScheduleList(data=[_object(request, item) for item in stored], pagination=pagination))


async def retrieve_schedule(request: web.Request) -> web.Response:
    return _answer(request, await request.app[SCHEDULE_ADMIN].get(_id(request)))


async def update_schedule(request: web.Request) -> web.Response:
    body = await read_model(request, ScheduleUpdate)
    with _declared_as_400():
        return _answer(request, await request.app[SCHEDULE_ADMIN].update(_id(request), body.wanted))


async def delete_schedule(request: web.Request) -> web.Response:
    with _declared_as_400():
        await request.app[SCHEDULE_ADMIN].delete(_id(request))
    return answer(ScheduleId(id=_id(request)))


async def activate_schedule(request: web.Request) -> web.Response:
    with _declared_as_400():
        return _answer(request, await request.app[SCHEDULE_ADMIN].activate(_id(request)))


async def deactivate_schedule(request: web.Request) -> web.Response:
    with _declared_as_400():
        return _answer(request, await request.app[SCHEDULE_ADMIN].deactivate(_id(request)))


async def list_timezones(request: web.Request) -> web.Response:
    known = cron.timezones()
    return answer(Timezones(timezones=known[1:] if request.query.get("excludeUtc") == "true" else known))


def _object(request: web.Request, stored: StoredSchedule) -> ScheduleObject:
    return as_object(stored, request.app[CLOCK].now(), accepted_language(request))


def _answer(request: web.Request, stored: StoredSchedule) -> web.Response:
    return answer(_object(request, stored))


def _id(request: web.Request) -> str:
    return request.match_info["schedule_id"]


@contextmanager
def _declared_as_400() -> Iterator[None]:
    """Turns the error for a schedule declared in code into 400, as Trigger.dev does."""
    try:
        yield
    except DeclaredByJobError as error:
        error.status = 400
        raise


_NUMBER = {"type": "integer", "minimum": 1}
_ID = {"schedule_id": {"type": "string", "minLength": 1}}
_BODY = (408, 413, 415, 422, 503)
_ONE = "/api/v1/schedules/{schedule_id}"

OPERATIONS = [
    Operation(
        "POST",
        "/api/v1/schedules",
        create_schedule,
        Text("Cria ou muda um agendamento", "Makes or changes a schedule"),
        request=ScheduleCreation,
        answers={200: ScheduleObject},
        problems=(400, *_BODY),
    ),
    Operation(
        "GET",
        "/api/v1/schedules",
        list_schedules,
        Text("Os agendamentos", "The schedules"),
        answers={200: ScheduleList},
        query={"page": _NUMBER, "perPage": _NUMBER | {"maximum": 100}},
        problems=(422, 503),
    ),
    Operation(
        "GET",
        _ONE,
        retrieve_schedule,
        Text("Um agendamento", "A schedule"),
        answers={200: ScheduleObject},
        parameters=_ID,
        problems=(404, 503),
    ),
    Operation(
        "PUT",
        _ONE,
        update_schedule,
        Text("Muda um agendamento", "Changes a schedule"),
        request=ScheduleUpdate,
        answers={200: ScheduleObject},
        parameters=_ID,
        problems=(400, 404, *_BODY),
    ),
    Operation(
        "DELETE",
        _ONE,
        delete_schedule,
        Text("Apaga um agendamento", "Deletes a schedule"),
        answers={200: ScheduleId},
        parameters=_ID,
        problems=(400, 404, 503),
    ),
    Operation(
        "POST",
        f"{_ONE}/activate",
        activate_schedule,
        Text("Ativa um agendamento", "Activates a schedule"),
        answers={200: ScheduleObject},
        parameters=_ID,
        problems=(400, 404, 503),
    ),
    Operation(
        "POST",
        f"{_ONE}/deactivate",
        deactivate_schedule,
        Text("Desativa um agendamento", "Deactivates a schedule"),
        answers={200: ScheduleObject},
        parameters=_ID,
        problems=(400, 404, 503),
    ),
    Operation(
        "GET",
        "/api/v1/timezones",
        list_timezones,
        Text("Os fusos horários", "The time zones"),
        answers={200: Timezones},
        query={"excludeUtc": {"type": "string", "enum": ["true", "false"]}},
        needs_key=False,
    ),
]
