"""The jobs: one module each, with its payload, ``async def run(app, payload)`` and ``JOB``; nothing lists them."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from agenciaos_jobs.core.job import Job


def _discover() -> dict[str, Job[Any]]:
    modules = [module.name for module in iter_modules(__path__) if not module.ispkg]
    jobs = [import_module(f"{__name__}.{name}").JOB for name in sorted(modules)]
    return {job.task: job for job in jobs}


JOBS = _discover()
"""Every job by the name of its task."""

OFFERED = {task: job for task, job in JOBS.items() if not job.is_internal}
"""The jobs that may be started from outside."""

JOBS_BY_NAME = {name: job for job in OFFERED.values() for name in (job.task, *job.names)}
"""These by each of the names that ``POST /api/trigger`` knows them by."""
