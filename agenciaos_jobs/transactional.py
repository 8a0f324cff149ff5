"""Triggers runs in a transaction of a program that shares the service's database: ``Client.trigger_in``.

It needs what the service needs, and reads ``JOBS_MODULES``, ``AGENTS_DIR`` and ``AGENCY_CONCURRENCY`` from the
environment.
"""

from pydantic import ValidationError

from agenciaos_jobs import registry
from agenciaos_jobs.ai_content import agents
from agenciaos_jobs.client.errors import error_of
from agenciaos_jobs.engine.intake import KeyConflictError, checked_run, store_in, with_default_limit
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.store.workers import database_time
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.http.problems import invalid, problem_document
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.trigger_dev.trigger import TaskHandle, TaskTrigger, known_job


async def trigger_in(connection: Connection, task: str, body: Json) -> Json:
    """Stores a run in the connection's transaction, and responds as ``POST /api/v1/tasks/{task}/trigger`` does.

    Raises the error that the client raises for that endpoint's problem document.
    """
    settings = Settings.load()
    registry.add_modules(settings.jobs_modules)
    agents.add_folder(settings.agents_dir)
    try:
        return await _trigger(connection, task, body, settings.agency_concurrency)
    except DomainError as error:
        raise error_of(error.status, problem_document(error, "en")) from None


async def _trigger(connection: Connection, task: str, body: Json, limit: int) -> Json:
    job, clock = known_job(task), SystemClock()
    now = await database_time(connection)
    try:
        given = TaskTrigger.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from None
    options = given.options.as_run_options(job.task, now, "options")
    try:
        new = checked_run(job, {} if given.payload is None else given.payload, source="client", **options)
    except ValidationError as error:
        raise invalid(error, "payload") from None
    try:
        (result,), _ = await store_in(connection, [(clock.new_id("run"), with_default_limit(new, limit))], now)
    except KeyConflictError as conflict:
        return TaskHandle(id=conflict.run_id, is_cached=True).model_dump(by_alias=True, exclude_none=True)
    return TaskHandle(id=result.run_id, is_cached=result.is_cached or None).model_dump(by_alias=True, exclude_none=True)
