"""Trigger.dev's wire for schedules."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from pydantic import ValidationError

from agenciaos_jobs.engine.model import cron
from agenciaos_jobs.engine.schedule_admin import DeclaredByJob, UnknownSchedule
from agenciaos_jobs.engine.store import schedules
from agenciaos_jobs.engine.store.schedules import StoredSchedule
from agenciaos_jobs.foundation import language
from agenciaos_jobs.foundation.language import Text
from agenciaos_jobs.http.body import answer, read_model
from agenciaos_jobs.http.keys import CLOCK, DATABASE, SCHEDULE_ADMIN
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import HttpProblem, invalid, wrong_field
from agenciaos_jobs.trigger_dev.schedule_models import (
    Page,
    Pagination,
    ScheduleCreation,
    ScheduleId,
    ScheduleList,
    ScheduleObject,
    ScheduleUpdate,
    Timezones,
    as_object,
)


async def create_schedule(request: web.Request) -> web.Response:
    asked = await read_model(request, ScheduleCreation)
    with _problems():
        return _answer(request, await request.app[SCHEDULE_ADMIN].create(asked.wanted, asked.deduplication_key))


async def list_schedules(request: web.Request) -> web.Response:
    database = request.app[DATABASE]
    try:
        asked = Page.model_validate(dict(request.query))
    except ValidationError as error:
        raise invalid(error) from None
    count = await schedules.count(database)
    stored = await schedules.page(database, asked.per_page, asked.page)
    pagination = Pagination(current_page=asked.page, total_pages=-(-count // asked.per_page), count=count)
    return answer(ScheduleList(data=[_object(request, item) for item in stored], pagination=pagination))


async def retrieve_schedule(request: web.Request) -> web.Response:
    with _problems():
        return _answer(request, await request.app[SCHEDULE_ADMIN].get(_id(request)))


async def update_schedule(request: web.Request) -> web.Response:
    asked = await read_model(request, ScheduleUpdate)
    with _problems():
        return _answer(request, await request.app[SCHEDULE_ADMIN].update(_id(request), asked.wanted))


async def delete_schedule(request: web.Request) -> web.Response:
    with _problems():
        await request.app[SCHEDULE_ADMIN].delete(_id(request))
    return answer(ScheduleId(id=_id(request)))


async def activate_schedule(request: web.Request) -> web.Response:
    with _problems():
        return _answer(request, await request.app[SCHEDULE_ADMIN].activate(_id(request)))


async def deactivate_schedule(request: web.Request) -> web.Response:
    with _problems():
        return _answer(request, await request.app[SCHEDULE_ADMIN].deactivate(_id(request)))


async def list_timezones(request: web.Request) -> web.Response:
    known = cron.timezones()
    return answer(Timezones(timezones=known[1:] if request.query.get("excludeUtc") == "true" else known))


def _object(request: web.Request, stored: StoredSchedule) -> ScheduleObject:
    return as_object(stored, request.app[CLOCK].now(), language.of(request))


def _answer(request: web.Request, stored: StoredSchedule) -> web.Response:
    return answer(_object(request, stored))


def _id(request: web.Request) -> str:
    return request.match_info["schedule_id"]


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except UnknownSchedule:
        raise HttpProblem(404, _UNKNOWN) from None
    except DeclaredByJob:
        raise HttpProblem(400, _DECLARED) from None
    except ValidationError as error:
        needed = ", ".join(".".join(map(str, problem["loc"])) or problem["msg"] for problem in error.errors())
        text = f"can't be scheduled: its payload needs {needed}"
        raise wrong_field("task", "unschedulable", text, needed=needed) from None


_UNKNOWN: Text = {"pt": "Agenda não encontrada", "en": "Schedule not found"}
_DECLARED: Text = {
    "pt": "Esta agenda é declarada pelo próprio job; muda-se no código dele",
    "en": "This schedule is declared by the job itself; it is changed in its code",
}
_NUMBER = {"type": "integer", "minimum": 1}
_ID = {"schedule_id": {"type": "string", "minLength": 1}}
_BODY = (408, 413, 415, 422, 503)
_ONE = "/api/v1/schedules/{schedule_id}"

OPERATIONS = [
    Operation(
        "POST",
        "/api/v1/schedules",
        create_schedule,
        "Cria ou muda uma agenda / Makes or changes a schedule",
        request=ScheduleCreation,
        answers={200: ScheduleObject},
        problems=(400, *_BODY),
    ),
    Operation(
        "GET",
        "/api/v1/schedules",
        list_schedules,
        "As agendas / The schedules",
        answers={200: ScheduleList},
        query={"page": _NUMBER, "perPage": _NUMBER | {"maximum": 100}},
        problems=(422, 503),
    ),
    Operation(
        "GET",
        _ONE,
        retrieve_schedule,
        "Uma agenda / A schedule",
        answers={200: ScheduleObject},
        parameters=_ID,
        problems=(404, 503),
    ),
    Operation(
        "PUT",
        _ONE,
        update_schedule,
        "Muda uma agenda / Changes a schedule",
        request=ScheduleUpdate,
        answers={200: ScheduleObject},
        parameters=_ID,
        problems=(400, 404, *_BODY),
    ),
    Operation(
        "DELETE",
        _ONE,
        delete_schedule,
        "Apaga uma agenda / Deletes a schedule",
        answers={200: ScheduleId},
        parameters=_ID,
        problems=(400, 404, 503),
    ),
    Operation(
        "POST",
        f"{_ONE}/activate",
        activate_schedule,
        "Ativa uma agenda / Activates a schedule",
        answers={200: ScheduleObject},
        parameters=_ID,
        problems=(400, 404, 503),
    ),
    Operation(
        "POST",
        f"{_ONE}/deactivate",
        deactivate_schedule,
        "Desativa uma agenda / Deactivates a schedule",
        answers={200: ScheduleObject},
        parameters=_ID,
        problems=(400, 404, 503),
    ),
    Operation(
        "GET",
        "/api/v1/timezones",
        list_timezones,
        "Os fusos horários / The time zones",
        answers={200: Timezones},
        query={"excludeUtc": {"type": "string", "enum": ["true", "false"]}},
        needs_key=False,
    ),
]
