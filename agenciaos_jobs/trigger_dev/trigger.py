"""``POST /api/v1/tasks/{task}/trigger``: how Trigger.dev's SDK starts a run."""

from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from agenciaos_jobs.engine.debouncing import Debounce
from agenciaos_jobs.engine.intake import KeyConflictError
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import NewRun, TriggerResult
from agenciaos_jobs.foundation import json_input, logs
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http import public_token
from agenciaos_jobs.http.body import MAX_BODY, answer, read_model
from agenciaos_jobs.http.fields import read_key_header, read_text_header
from agenciaos_jobs.http.keys import CLOCK, DATABASE, DEBOUNCER, INTAKE, PUBLIC_TOKEN, REQUEST_ID
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import RequestError, invalid, wrong_field
from agenciaos_jobs.http.scopes import triggers
from agenciaos_jobs.registry import JOBS_BY_NAME, OFFERED
from agenciaos_jobs.trigger_dev import superjson
from agenciaos_jobs.trigger_dev.options import TaskOptions, WireModel
from agenciaos_jobs.trigger_dev.store import packets
from agenciaos_jobs.trigger_dev.tokens import triggering

# A payload is sent as text inside JSON, whose escapes may double its size.
MAX_BYTES = 2 * MAX_BODY + 512 * 1024

CLAIMS = {"x-trigger-jwt-claims": orjson.dumps(public_token.CLAIMS).decode()}
"""The header that lets the SDK sign public tokens with the secret key."""

STORED = "application/store"


class TaskTrigger(WireModel):
    """The payload and options of a trigger. ``options.payloadType`` is the payload's encoding; JSON without one."""

    payload: Any = None
    options: TaskOptions = TaskOptions()


class TaskHandle(WireModel):
    """The run; ``isCached`` marks one that an earlier call with the same key had created."""

    id: str
    is_cached: bool | None = None


async def trigger_task(request: web.Request) -> web.Response:
    triggering.require_task(request, "trigger", request.match_info["task"])
    job = known_job(request.match_info["task"])
    body = await read_model(request, TaskTrigger, max_bytes=MAX_BYTES)
    new = await run_of(request, job, body)
    debounce = body.options.debounce.read("options.debounce") if body.options.debounce else None
    triggering.require_agency(request, [new])
    accepted = await accept(request, new, debounce)
    logs.add_context(run_id=accepted.run_id, task=job.task, agency_id=new.agency_id)
    headers = CLAIMS | triggering.reading_token(request, f"read:runs:{accepted.run_id}")
    return answer(TaskHandle(id=accepted.run_id, is_cached=accepted.is_cached or None), headers=headers)


async def accept(request: web.Request, new: NewRun, debounce: Debounce | None = None) -> TriggerResult:
    """Triggers by Trigger.dev's rule: a key in use returns its run, whatever the payload.

    A public token must have the same payload, because it may read the run that it gets.
    """
    condition = triggering.spending(request, new.request_key)
    try:
        if debounce:
            return await request.app[DEBOUNCER].trigger(new, debounce, condition=condition)
        return await request.app[INTAKE].trigger(new, condition=condition)
    except KeyConflictError as conflict:
        if PUBLIC_TOKEN in request:
            raise
        return TriggerResult(conflict.run_id, is_cached=True)


async def run_of(request: web.Request, job: Job[Any], body: TaskTrigger, *where: str, **more: Any) -> NewRun:
    """The requested run; ``where`` is its path in the body. Raises 422 or 413 with what is invalid."""
    options = body.options.as_run_options(job.task, request.app[CLOCK].now(), ".".join([*where, "options"]))
    if options["idempotency_key"] is None and not where:
        options["idempotency_key"] = read_key_header(request)
    payload = await read_payload(request, body.payload, body.options.payload_type, ".".join([*where, "payload"]))
    keys = {"request_id": request[REQUEST_ID], "request_key": request_key(request)} | more
    try:
        return new_run(job, {} if payload is None else payload, source="sdk", **options, **keys)
    except ValidationError as error:
        raise invalid(error, *where, "payload") from None


def known_job(task: str, *where: str) -> Job[Any]:
    """The job of a task. Raises 404 with the known tasks."""
    job = JOBS_BY_NAME.get(task)
    if job is None:
        known = ", ".join(sorted(OFFERED))
        text = Text(
            f"A tarefa {task[:100]} não existe; há {known}", f"There is no task {task[:100]}; there are {known}"
        )
        raise RequestError(404, text, extra={"tasks": sorted(OFFERED)})
    return job


def request_key(request: web.Request) -> str | None:
    """The key that the SDK sends with each retry of one request."""
    return read_text_header(request, "x-trigger-request-idempotency-key")


async def read_payload(request: web.Request, payload: Any, kind: str | None, name: str) -> Any:
    """The payload as JSON. ``kind`` is its encoding; ``name`` is its field, for a 422."""
    if kind == STORED:
        packet = await packets.get(request.app[DATABASE], str(payload), request.app[CLOCK].now())
        if packet is None:
            raise wrong_field(name, "unknown_packet", "names a packet that is unknown or has expired")
        payload, kind = packet.body, packet.content_type
    size = len(payload.encode()) if isinstance(payload, str) else len(orjson.dumps(payload))
    if size > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY, actual_size=size)
    return _decoded(payload, kind, name)


def _decoded(payload: Any, kind: str | None, name: str) -> Any:
    if kind not in {"application/super+json", "application/json"} or not isinstance(payload, str):
        return payload
    try:
        document = json_input.parse(payload, name)
        return superjson.decode(document) if kind == "application/super+json" else document
    except ValueError as error:
        raise wrong_field(name, "payload_type", f"is not {kind}: {error}", kind=kind) from None


TASK = {"task": {"type": "string", "minLength": 1}}

OPERATIONS = [
    Operation(
        "POST",
        "/api/v1/tasks/{task}/trigger",
        trigger_task,
        Text("Inicia uma tarefa, como o SDK da Trigger.dev", "Starts a task, as Trigger.dev's SDK does"),
        request=TaskTrigger,
        answers={200: TaskHandle},
        parameters=TASK,
        problems=(400, 403, 404, 408, 413, 415, 422, 503),
        token_access=triggers("trigger"),
    ),
]
