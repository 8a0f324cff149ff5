"""``POST /api/trigger``: AgênciaOS's own contract."""

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from agenciaos_jobs.api import schemas
from agenciaos_jobs.engine.model.job import Job, Json
from agenciaos_jobs.engine.model.new_run import new_run
from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.foundation import logs
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.answers import TriggerAnswer
from agenciaos_jobs.http.body import answer, as_model, read_json
from agenciaos_jobs.http.fields import MAX_TTL, read_delay, read_key_header, read_ttl
from agenciaos_jobs.http.keys import CLOCK, INTAKE, REQUEST_ID
from agenciaos_jobs.http.language import accepted_language
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import RequestError, invalid
from agenciaos_jobs.payments import webhook
from agenciaos_jobs.registry import JOBS_BY_NAME, OFFERED

Tag = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class TriggerRequest(BaseModel):
    """The job to start, its payload and its options."""

    type: str
    payload: dict[str, Any] = Field(default_factory=dict)
    idempotencyKey: Annotated[str, Field(min_length=1, max_length=2048)] | None = None  # noqa: N815
    delay: str | None = None
    ttl: Annotated[int, Field(ge=1, le=MAX_TTL)] | str | None = None
    priority: Annotated[int, Field(ge=0, le=MAX_TTL)] | None = None
    maxAttempts: Annotated[int, Field(ge=1, le=100)] | None = None  # noqa: N815
    maxDuration: Annotated[int, Field(ge=5, le=86_400)] | None = None  # noqa: N815
    tags: tuple[Tag, ...] = Field(default=(), max_length=10)


async def trigger(request: web.Request) -> web.Response:
    given = await read_json(request)
    if sender := webhook.sender_of(given):
        return await webhook.accept(request, sender)
    body = as_model(given, TriggerRequest)
    job = JOBS_BY_NAME.get(body.type)
    if job is None:
        expected = ", ".join(sorted(JOBS_BY_NAME))
        text = Text("Tipo de job não reconhecido", "Unknown job type")
        raise RequestError(400, text, extra={"expected": expected})
    new = run_of(job, body, request, source="api")
    accepted = await request.app[INTAKE].trigger(new)
    logs.add_context(run_id=accepted.run_id, task=job.task, agency_id=new.agency_id)
    message = job.accepted.in_language(accepted_language(request))
    return answer(TriggerAnswer(jobId=accepted.run_id, message=message, isCached=accepted.is_cached or None))


def run_of(job: Job[Any], body: TriggerRequest, request: web.Request, *, source: str, **options: Any) -> NewRun:
    """The run that the body describes. Raises 422 with each invalid field."""
    try:
        return new_run(job, body.payload, source=source, **_options(body, request), **options)
    except ValidationError as error:
        raise invalid(error, "payload") from None


def _options(body: TriggerRequest, request: web.Request) -> Json:
    return {
        "delay": read_delay(body.delay, request.app[CLOCK].now()) if body.delay else None,
        "ttl": read_ttl(body.ttl),
        "tags": body.tags,
        "priority": body.priority,
        "max_attempts": body.maxAttempts,
        "max_duration": body.maxDuration,
        "idempotency_key": body.idempotencyKey or read_key_header(request),
        "request_id": request[REQUEST_ID],
    }


def _schema() -> Json:
    """The body as one alternative per job, so that the document has each payload's fields."""
    base = schemas.request(TriggerRequest.model_json_schema())
    alternatives = [
        {
            "title": f"Trigger{schemas.pascal_case(job.task)}",
            "description": f"{job.title.en} / {job.title.pt}",
            "type": "object",
            "required": ["type", "payload"],
            "properties": base["properties"]
            | {
                "type": {"type": "string", "enum": [job.task, *job.names]},
                "payload": schemas.reference(job.task),
            },
        }
        for job in OFFERED.values()
    ]
    return {"oneOf": alternatives}


OPERATIONS = [
    Operation(
        "POST",
        "/api/trigger",
        trigger,
        Text("Inicia um job", "Starts a job"),
        request=_schema,
        answers={200: TriggerAnswer},
        problems=(400, 408, 409, 413, 415, 422, 503),
        body_auth=webhook.forwarded,
    )
]
