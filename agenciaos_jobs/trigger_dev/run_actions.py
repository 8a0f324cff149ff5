"""Trigger.dev's management API: endpoints that read a run or act on it."""

from datetime import timedelta
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from agenciaos_jobs.ai_content.store import generations
from agenciaos_jobs.engine.intake import KeyConflictError
from agenciaos_jobs.engine.store import history, schedules
from agenciaos_jobs.engine.store.history import StoredRun
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.body import answer, read_model
from agenciaos_jobs.http.fields import read_delay
from agenciaos_jobs.http.keys import CLOCK, CONTROL, DATABASE, PUBLIC_TOKEN
from agenciaos_jobs.http.language import accepted_language
from agenciaos_jobs.http.operation import Operation
from agenciaos_jobs.http.problems import invalid
from agenciaos_jobs.http.scopes import reads
from agenciaos_jobs.trigger_dev.models.runs import SdkRun, as_sdk_run
from agenciaos_jobs.trigger_dev.models.schedules import as_sdk_schedule
from agenciaos_jobs.trigger_dev.options import TaskOptions
from agenciaos_jobs.trigger_dev.tokens import resources
from agenciaos_jobs.trigger_dev.trigger import MAX_BYTES, read_payload, request_key


class RunId(BaseModel):
    """The run that a call acted on or created."""

    id: str


class Reschedule(BaseModel):
    """The delay from now, or the time to wait for."""

    delay: str


async def retrieve_run(request: web.Request) -> web.Response:
    return await _answer(request, await request.app[CONTROL].get(run_id_of(request)))


async def cancel_run(request: web.Request) -> web.Response:
    run_id = run_id_of(request)
    await request.app[CONTROL].cancel(run_id)
    return answer(RunId(id=run_id))


class Replay(TaskOptions):
    """Overrides for the replay; empty to repeat the run unchanged."""

    payload: Any = None


async def replay_run(request: web.Request) -> web.Response:
    body = await read_model(request, Replay, max_bytes=MAX_BYTES) if request.can_read_body else Replay()
    run_id, control = run_id_of(request), request.app[CONTROL]
    options = body.as_run_options((await control.get(run_id)).task, request.app[CLOCK].now(), "")
    payload = await read_payload(request, body.payload, body.payload_type, "payload")
    try:
        again = await control.replay(run_id, payload=payload, request_key=request_key(request), **options)
    except ValidationError as error:
        raise invalid(error, "payload") from None
    except KeyConflictError as conflict:
        return answer(RunId(id=conflict.run_id))
    return answer(RunId(id=again.run_id))


async def reschedule_run(request: web.Request) -> web.Response:
    delay = read_delay((await read_model(request, Reschedule)).delay, request.app[CLOCK].now())
    return await _answer(request, await request.app[CONTROL].reschedule(run_id_of(request), delay or timedelta()))


def run_id_of(request: web.Request) -> str:
    """The run id in the path."""
    return request.match_info["run_id"]


async def _answer(request: web.Request, run: StoredRun) -> web.Response:
    database = request.app[DATABASE]
    attempts, cost = await history.attempts(database, run.id), await generations.cost_of(database, run.id)
    stored = await schedules.get(database, run.schedule_id) if run.schedule_id else None
    language = accepted_language(request)
    maker = as_sdk_schedule(stored, language) if stored else None
    shows_stack = PUBLIC_TOKEN not in request
    return answer(as_sdk_run(run, attempts, cost, maker, language=language, shows_stack=shows_stack))


RUN_ID = {"run_id": {"type": "string", "minLength": 1}}

OPERATIONS = [
    Operation(
        "POST",
        "/api/v2/runs/{run_id}/cancel",
        cancel_run,
        Text("Cancela uma execução", "Cancels a run"),
        answers={200: RunId},
        parameters=RUN_ID,
        problems=(404, 503),
    ),
    Operation(
        "POST",
        "/api/v1/runs/{run_id}/replay",
        replay_run,
        Text("Executa de novo", "Runs again"),
        request=Replay,
        is_body_optional=True,
        answers={200: RunId},
        parameters=RUN_ID,
        problems=(400, 404, 408, 413, 415, 422, 503),
    ),
    Operation(
        "POST",
        "/api/v1/runs/{run_id}/reschedule",
        reschedule_run,
        Text("Muda a hora de uma execução DELAYED", "Gives a DELAYED run another time"),
        request=Reschedule,
        answers={200: SdkRun},
        parameters=RUN_ID,
        problems=(400, 404, 408, 413, 415, 422, 503),
    ),
    Operation(
        "GET",
        "/api/v3/runs/{run_id}",
        retrieve_run,
        Text("Uma execução, com suas tentativas", "A run, with its attempts"),
        answers={200: SdkRun},
        parameters=RUN_ID,
        problems=(404, 503),
        token_access=reads(resources.of_run),
    ),
]
