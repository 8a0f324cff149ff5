"""The jobs of every wing: one module each in its folder ``jobs``, with its payload, ``run`` and ``JOB``."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from agenciaos_jobs.engine.model.job import Job

_WINGS = ("ai_content", "alerts", "payments", "reports")


def _discover() -> dict[str, Job[Any]]:
    folders = [import_module(f"{__package__}.{wing}.jobs") for wing in _WINGS]
    modules = [f"{folder.__name__}.{module.name}" for folder in folders for module in iter_modules(folder.__path__)]
    jobs = [import_module(name).JOB for name in modules]
    return {job.task: job for job in sorted(jobs, key=lambda job: job.task)}


JOBS = _discover()
"""Every job by the name of its task."""

OFFERED = {task: job for task, job in JOBS.items() if not job.is_internal}
"""The jobs that may be started from outside."""

JOBS_BY_NAME = {name: job for job in OFFERED.values() for name in (job.task, *job.names)}
"""These by each of the names that ``POST /api/trigger`` knows them by."""
