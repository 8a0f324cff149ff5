"""Batches, in each form that Trigger.dev's SDKs have used: as a whole, or as a stream of items."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from agenciaos_jobs.engine.batches import Added
from agenciaos_jobs.engine.model.run import NewRun, Status
from agenciaos_jobs.engine.store.batches import BatchItem
from agenciaos_jobs.engine.store.idempotency import REQUEST_LIFE
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import answer, parse_json, read_bytes, read_model
from agenciaos_jobs.http.fields import read_text_header, read_ttl
from agenciaos_jobs.http.keys import BATCHES
from agenciaos_jobs.http.operation import Handler, Operation
from agenciaos_jobs.http.problems import invalid, wrong_field
from agenciaos_jobs.http.scopes import reads, triggers
from agenciaos_jobs.trigger_dev.models.batches import (
    MAX_ITEMS,
    BatchCreate,
    BatchCreated,
    BatchHandle,
    BatchLine,
    BatchRequest,
    BatchRun,
    BatchState,
    BatchStreamed,
    BatchTrigger,
    TaskBatchHandle,
    TaskBatchRequest,
)
from agenciaos_jobs.trigger_dev.options import WireModel
from agenciaos_jobs.trigger_dev.tokens import resources, triggering
from agenciaos_jobs.trigger_dev.trigger import CLAIMS, TASK, known_job, request_key, run_of

MAX_BYTES = 32 * 1024 * 1024


async def trigger_batch(request: web.Request) -> web.Response:
    body = await read_model(request, BatchRequest, max_bytes=MAX_BYTES)
    new = {n: await _run_of(request, item, "items", str(n)) for n, item in enumerate(body.items)}
    added, is_cached = await _trigger(request, new)
    return answer(_handle(added, new, is_cached), headers=_token_headers(request, added.batch.id))


async def trigger_batch_of_task(request: web.Request) -> web.Response:
    task = request.match_info["task"]
    body = await read_model(request, TaskBatchRequest, max_bytes=MAX_BYTES)
    items = [BatchTrigger(task=task, **dict(item)) for item in body.items]
    new = {n: await _run_of(request, item, "items", str(n)) for n, item in enumerate(items)}
    added, _ = await _trigger(request, new)
    handle = TaskBatchHandle(batch_id=added.batch.id, runs=[item.run_id for item in added.items])
    return answer(handle, headers=_token_headers(request, added.batch.id))


async def _trigger(request: web.Request, new: Mapping[int, NewRun]) -> tuple[Added, bool]:
    triggering.require_agency(request, new.values())
    given = read_text_header(request, "idempotency-key")
    key, ttl = _batch_key(request, given)
    condition = triggering.spending(request, request_key(request))
    return await request.app[BATCHES].trigger(new, key=key, shown_key=given, ttl=ttl, condition=condition)


async def create_batch(request: web.Request) -> web.Response:
    body = await read_model(request, BatchCreate)
    for task in body.task_identifiers:
        triggering.require_task(request, "batchTrigger", task)
        known_job(task)
    key, ttl = _batch_key(request, body.idempotency_key)
    await triggering.require_unspent(request)
    shown = body.idempotency_key_options.key if body.idempotency_key_options else body.idempotency_key
    batch, is_cached = await request.app[BATCHES].create(body.run_count, key=key, ttl=ttl, shown_key=shown)
    created = BatchCreated(
        id=batch.id, run_count=batch.run_count, is_cached=is_cached, idempotency_key=batch.idempotency_key
    )
    return answer(created, headers=_token_headers(request, batch.id))


async def stream_batch_items(request: web.Request) -> web.Response:
    lines = _lines(await read_bytes(request, max_bytes=MAX_BYTES))
    new = {item.index: await _run_of(request, item, "items", str(item.index)) for item in lines}
    triggering.require_agency(request, new.values())
    batch_id = request.match_info["batch_id"]
    # The items use a single-use token up, not the batch. It may repeat them, and add more of this batch.
    condition = triggering.spending(request, f"batch:{batch_id}") if new else None
    added = await request.app[BATCHES].add(batch_id, new, condition=condition)
    streamed = BatchStreamed(
        id=added.batch.id,
        items_accepted=len(new) - added.repeated,
        items_deduplicated=added.repeated,
        sealed=added.is_sealed,
        enqueued_count=len(added.items),
        expected_count=added.batch.run_count,
        runs=[item.run_id for item in added.items],
    )
    return answer(streamed)


async def retrieve_batch(request: web.Request) -> web.Response:
    batch, items, progress = await request.app[BATCHES].get(request.match_info["batch_id"])
    is_over = batch.sealed_at is not None and progress.unfinished == 0
    return answer(
        BatchState(
            id=batch.id,
            status=Status.COMPLETED if is_over else "PENDING",
            idempotency_key=batch.idempotency_key,
            created_at=batch.created_at,
            updated_at=max(batch.created_at, progress.updated_at or batch.created_at),
            run_count=batch.run_count,
            runs=[item.run_id for item in items],
            processing={"errors": []},
        )
    )


async def _run_of(request: web.Request, item: BatchTrigger, *where: str) -> NewRun:
    """The run of an item. It has no request key: the batch identifies an item by its position."""
    triggering.require_task(request, "batchTrigger", item.task)
    return await run_of(request, known_job(item.task), item, *where, request_key=None)


def _token_headers(request: web.Request, batch_id: str) -> dict[str, str]:
    return CLAIMS | triggering.reading_token(request, f"read:batch:{batch_id}")


def _batch_key(request: web.Request, given: str | None) -> tuple[str | None, timedelta | None]:
    """The caller's key for a batch, and its lifetime; without one, the key that deduplicates retries of the request."""
    if given:
        return given, read_ttl(request.headers.get("idempotency-key-ttl") or None, "idempotency-key-ttl")
    repeated = request_key(request)
    return (f"request:{repeated}", REQUEST_LIFE) if repeated else (None, None)


def _lines(body: bytes) -> list[BatchLine]:
    """The items of a stream. Raises 422 with the first invalid line."""
    texts = [line for line in body.split(b"\n") if line.strip()]
    if len(texts) > MAX_ITEMS:
        raise wrong_field(
            "items",
            "too_long",
            f"should have at most {MAX_ITEMS} items",
            max_length=MAX_ITEMS,
            actual_length=len(texts),
        )
    lines = []
    for number, text in enumerate(texts):
        try:
            lines.append(BatchLine.model_validate(parse_json(text, "items", number)))
        except ValidationError as error:
            raise invalid(error, "items", str(number)) from None
    return lines


def _handle(added: Added, new: Mapping[int, NewRun], is_cached: bool) -> BatchHandle:
    return BatchHandle(
        id=added.batch.id,
        is_cached=is_cached,
        idempotency_key=added.batch.idempotency_key,
        run_count=added.batch.run_count,
        runs=[_batch_run(item, new, is_cached) for item in added.items],
    )


def _batch_run(item: BatchItem, new: Mapping[int, NewRun], is_cached: bool) -> BatchRun:
    run = new.get(item.position)
    return BatchRun(
        id=item.run_id,
        task_identifier=run.task if run else "",
        is_cached=is_cached or item.is_cached,
        idempotency_key=run.idempotency_key if run else None,
    )


BATCH_ID = {"batch_id": {"type": "string", "minLength": 1}}

_LINES: dict[str, Any] = {
    "application/x-ndjson": BatchLine,
    "application/octet-stream": {"type": "string", "format": "binary", "description": "The same lines"},
}
_REFUSALS = (400, 403, 404, 408, 413, 415, 422, 503)
_WHOLE = Text("Inicia um lote inteiro", "Triggers a batch as a whole")
_STATE = Text("Um lote", "A batch")


def _whole(path: str, handler: Handler, model: type[WireModel], handle: type[WireModel], **more: Any) -> Operation:
    return Operation(
        "POST",
        path,
        handler,
        _WHOLE,
        answers={200: handle},
        request=model,
        problems=_REFUSALS,
        token_access=triggers("batchTrigger"),
        **more,
    )


OPERATIONS = [
    _whole("/api/v1/tasks/batch", trigger_batch, BatchRequest, BatchHandle),
    _whole("/api/v2/tasks/batch", trigger_batch, BatchRequest, BatchHandle),
    _whole("/api/v1/tasks/{task}/batch", trigger_batch_of_task, TaskBatchRequest, TaskBatchHandle, parameters=TASK),
    Operation(
        "POST",
        "/api/v3/batches",
        create_batch,
        Text("Cria um lote que recebe itens", "Makes a batch that takes items"),
        {200: BatchCreated},
        BatchCreate,
        problems=_REFUSALS,
        token_access=triggers("batchTrigger"),
    ),
    Operation(
        "POST",
        "/api/v3/batches/{batch_id}/items",
        stream_batch_items,
        Text("Recebe itens, um por linha (NDJSON)", "Takes items, one a line"),
        {200: BatchStreamed},
        media=_LINES,
        parameters=BATCH_ID,
        problems=_REFUSALS,
        token_access=triggers("batchTrigger"),
    ),
    Operation(
        "GET",
        "/api/v1/batches/{batch_id}",
        retrieve_batch,
        _STATE,
        {200: BatchState},
        parameters=BATCH_ID,
        problems=(404, 503),
        token_access=reads(resources.of_batch),
    ),
    Operation(
        "GET",
        "/api/v2/batches/{batch_id}",
        retrieve_batch,
        _STATE,
        {200: BatchState},
        parameters=BATCH_ID,
        problems=(404, 503),
        token_access=reads(resources.of_batch),
    ),
]
