"""Trigger.dev's endpoints for queues: list, retrieve, pause, resume, and the override of the concurrency limit."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from agenciaos_jobs.engine.queue_admin import UnknownQueueError
from agenciaos_jobs.engine.store.queues import TASK, QueueState
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import as_model, read_model
from agenciaos_jobs.http.keys import QUEUE_ADMIN
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.trigger_dev.models.schedules import PageRequest, SchedulePagination
from agenciaos_jobs.trigger_dev.options import WireModel

Kind = Literal["id", "task", "custom"]

_VIA_API = "API"


class ConcurrencyState(WireModel):
    """The limit in force, the one that runs came with, and the override."""

    current: int | None
    base: int | None
    override: int | None
    overridden_at: datetime | None
    overridden_by: str | None


class QueueObject(WireModel):
    """A queue. ``type`` is ``task`` for a task's own queue and ``custom`` for one that triggers name."""

    id: str
    name: str
    type: Literal["task", "custom"]
    running: int
    queued: int
    paused: bool
    concurrency_limit: int | None
    concurrency: ConcurrencyState


class QueueList(WireModel):
    """A page of queues: those of tasks first."""

    data: list[QueueObject]
    pagination: SchedulePagination


class QueueQuery(WireModel):
    """How the path names the queue."""

    type: Kind = "id"


class QueueAction(QueueQuery):
    """Pause or resume a queue."""

    action: Literal["pause", "resume"]


class LimitOverride(QueueQuery):
    """The limit that counts instead of those that runs came with."""

    concurrency_limit: Annotated[int, Field(ge=0, le=100_000)]


async def list_queues(request: web.Request) -> web.Response:
    query = as_model(dict(request.query), PageRequest)
    everything = await request.app[QUEUE_ADMIN].all()
    first = (query.page - 1) * query.per_page
    data = [_object(queue) for queue in everything[first : first + query.per_page]]
    pages = -(-len(everything) // query.per_page)
    pagination = SchedulePagination(current_page=query.page, total_pages=pages, count=len(everything))
    return _answer(QueueList(data=data, pagination=pagination))


async def retrieve_queue(request: web.Request) -> web.Response:
    kind = as_model(dict(request.query), QueueQuery).type
    return _answer(_object(await request.app[QUEUE_ADMIN].get(await _name(request, kind))))


async def pause_queue(request: web.Request) -> web.Response:
    body, admin = await read_model(request, QueueAction), request.app[QUEUE_ADMIN]
    name = await _name(request, body.type)
    return _answer(_object(await (admin.pause(name, _VIA_API) if body.action == "pause" else admin.resume(name))))


async def override_limit(request: web.Request) -> web.Response:
    body = await read_model(request, LimitOverride)
    name = await _name(request, body.type)
    return _answer(_object(await request.app[QUEUE_ADMIN].override_limit(name, body.concurrency_limit, _VIA_API)))


async def reset_limit(request: web.Request) -> web.Response:
    body = await read_model(request, QueueQuery)
    return _answer(_object(await request.app[QUEUE_ADMIN].reset_limit(await _name(request, body.type))))


async def _name(request: web.Request, kind: Kind) -> str:
    """The queue's name. The SDK escapes a slash twice. Raises :class:`UnknownQueueError` for an unknown id."""
    given = request.match_info["queue"].replace("%2F", "/")
    if kind == "id":
        for queue in await request.app[QUEUE_ADMIN].all():
            if given in {_id(queue.name), queue.name}:
                return queue.name
        raise UnknownQueueError(given)
    return TASK + given if kind == "task" else given


def _object(queue: QueueState) -> QueueObject:
    is_of_task = queue.name.startswith(TASK)
    return QueueObject(
        id=_id(queue.name),
        name=queue.name.removeprefix(TASK),
        type="task" if is_of_task else "custom",
        running=queue.running,
        queued=queue.queued,
        paused=queue.paused_at is not None,
        concurrency_limit=queue.limit,
        concurrency=ConcurrencyState(
            current=queue.limit,
            base=queue.base,
            override=queue.override,
            overridden_at=queue.overridden_at,
            overridden_by=None if queue.overridden_by == _VIA_API else queue.overridden_by,
        ),
    )


def _id(name: str) -> str:
    return f"queue_{sha256(name.encode()).hexdigest()[:24]}"


def _answer(model: WireModel) -> web.Response:
    """With absent values as ``null``, which the SDK requires of a queue's limits."""
    return web.Response(body=model.model_dump_json(by_alias=True).encode(), content_type="application/json")


_QUEUE = {"queue": {"type": "string", "minLength": 1}}


def _change(
    path: str, handler: Callable[[web.Request], Awaitable[web.Response]], summary: Text, model: type[WireModel]
) -> Operation:
    return Operation(
        "POST",
        f"/api/v1/queues/{{queue}}/{path}",
        handler,
        summary,
        answers={200: QueueObject},
        request=model,
        parameters=_QUEUE,
        problems=(400, 404, 408, 413, 415, 422, 503),
    )


OPERATIONS = [
    Operation(
        "GET",
        "/api/v1/queues",
        list_queues,
        Text("Lista as filas", "Lists queues"),
        answers={200: QueueList},
        query={"page": {"type": "integer", "minimum": 1}, "perPage": {"type": "integer", "minimum": 1, "maximum": 100}},
        problems=(422, 503),
    ),
    Operation(
        "GET",
        "/api/v1/queues/{queue}",
        retrieve_queue,
        Text("Uma fila", "A queue"),
        answers={200: QueueObject},
        parameters=_QUEUE,
        query={"type": {"type": "string", "enum": ["id", "task", "custom"], "default": "id"}},
        problems=(404, 422, 503),
    ),
    _change("pause", pause_queue, Text("Pausa ou retoma uma fila", "Pauses or resumes a queue"), QueueAction),
    _change(
        "concurrency/override",
        override_limit,
        Text("Substitui o limite de uma fila", "Overrides a queue's concurrency limit"),
        LimitOverride,
    ),
    _change(
        "concurrency/reset",
        reset_limit,
        Text("Desfaz a substituição do limite", "Resets a queue's concurrency limit"),
        QueueQuery,
    ),
]
