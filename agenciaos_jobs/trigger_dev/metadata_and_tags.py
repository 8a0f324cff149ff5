"""Endpoints that read and change an existing run: its metadata, its tags, and its idempotency key."""

from typing import Any

from aiohttp import web
from pydantic import Field

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.metadata import Change, Kind, require_acceptable
from agenciaos_jobs.engine.store import idempotency
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import answer, read_model
from agenciaos_jobs.http.keys import CLOCK, CONTROL, DATABASE
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import RequestError
from agenciaos_jobs.http.scopes import reads
from agenciaos_jobs.trigger_dev.options import Metadata, Tags, WireModel
from agenciaos_jobs.trigger_dev.run_actions import RUN_ID, run_id_of
from agenciaos_jobs.trigger_dev.tokens import resources
from agenciaos_jobs.trigger_dev.trigger import known_job

MAX_TAGS = 10


class MetadataOperation(WireModel):
    """One change; ``key`` is a field of the metadata, or a path such as ``$.progress.done``."""

    type: Kind
    key: str = Field(default="", max_length=512)
    value: Any = None


class MetadataUpdate(WireModel):
    """The new metadata, or changes to the current metadata."""

    metadata: Metadata | None = None
    operations: list[MetadataOperation] = Field(default=[], max_length=1000)


class MetadataAnswer(WireModel):
    """The current metadata."""

    metadata: Json


class TagsRequest(WireModel):
    """Tags to add; a run has at most ten."""

    tags: Tags


class TagsAdded(WireModel):
    """The result, as a sentence."""

    message: str


class KeyReset(WireModel):
    """The task that the key was used with."""

    task_identifier: str


class KeyWasReset(WireModel):
    """The key, which is free again."""

    id: str


async def read_metadata(request: web.Request) -> web.Response:
    run = await request.app[CONTROL].get(run_id_of(request))
    return answer(MetadataAnswer(metadata=run.metadata or {}))


async def update_metadata(request: web.Request) -> web.Response:
    body = await read_model(request, MetadataUpdate)
    changes = [Change(item.type, item.key, item.value) for item in body.operations]
    if body.metadata is not None:
        changes = [Change("update", value=body.metadata), *changes]
    metadata = await request.app[CONTROL].change_metadata(run_id_of(request), changes, _require_acceptable)
    return answer(MetadataAnswer(metadata=metadata))


async def add_tags(request: web.Request) -> web.Response:
    body = await read_model(request, TagsRequest)
    added = await request.app[CONTROL].add_tags(run_id_of(request), body.tags, MAX_TAGS)
    return answer(TagsAdded(message=f"Added {added} tags" if added else "No new tags to add"))


async def reset_key(request: web.Request) -> web.Response:
    body, key = await read_model(request, KeyReset), request.match_info["key"]
    job = known_job(body.task_identifier)
    held = await idempotency.reset(request.app[DATABASE], job.task, key, request.app[CLOCK].now())
    if not held:
        text = Text("Nenhuma execução tem esta idempotencyKey", "No run has this idempotencyKey")
        raise RequestError(404, text)
    return answer(KeyWasReset(id=key))


def _require_acceptable(metadata: Json) -> None:
    require_acceptable(metadata, "metadata")


_REFUSALS = (400, 404, 408, 413, 415, 422, 503)

OPERATIONS = [
    Operation(
        "GET",
        "/api/v1/runs/{run_id}/metadata",
        read_metadata,
        Text("Os metadados de uma execução", "A run's metadata"),
        {200: MetadataAnswer},
        parameters=RUN_ID,
        problems=(404, 503),
        token_access=reads(resources.of_run),
    ),
    Operation(
        "PUT",
        "/api/v1/runs/{run_id}/metadata",
        update_metadata,
        Text("Muda os metadados de uma execução", "Changes a run's metadata"),
        {200: MetadataAnswer},
        MetadataUpdate,
        parameters=RUN_ID,
        problems=_REFUSALS,
    ),
    Operation(
        "POST",
        "/api/v1/runs/{run_id}/tags",
        add_tags,
        Text("Acrescenta tags a uma execução", "Adds tags to a run"),
        {200: TagsAdded},
        TagsRequest,
        parameters=RUN_ID,
        problems=_REFUSALS,
    ),
    Operation(
        "POST",
        "/api/v1/idempotencyKeys/{key}/reset",
        reset_key,
        Text("Libera uma idempotencyKey", "Frees an idempotency key"),
        {200: KeyWasReset},
        KeyReset,
        parameters={"key": {"type": "string", "minLength": 1}},
        problems=_REFUSALS,
    ),
]
