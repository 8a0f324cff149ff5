"""The registry of jobs: those of the wings, and those of an operator's own modules.

A wing's job is a module in its folder ``jobs`` with a ``JOB`` or several ``JOBS``; it is found without a list. An
operator's jobs are in the modules that ``JOBS_MODULES`` names, each with a ``JOB`` or several ``JOBS``.
"""

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from agenciaos_jobs.engine.model.job import Job

_WINGS = ("ai_content", "alerts", "payments", "reports")

JOBS: dict[str, Job[Any]] = {}
"""Every job by its task."""

OFFERED: dict[str, Job[Any]] = {}
"""The jobs that may be triggered from outside."""

JOBS_BY_NAME: dict[str, Job[Any]] = {}
"""The offered jobs by each of their names at ``POST /api/trigger``."""


class JobsModuleError(Exception):
    """``JOBS_MODULES`` names an unusable module; the message names it and the cause."""


def add(job: Job[Any]) -> None:
    """Adds a job, once. Raises :class:`JobsModuleError` if a name is taken."""
    if JOBS.get(job.task) is job:
        return
    if taken := [name for name in (job.task, *job.names) if name in JOBS or name in JOBS_BY_NAME]:
        raise JobsModuleError(f"JOBS_MODULES: there is a job named {taken[0]!r} already")
    JOBS[job.task] = job
    if not job.is_internal:
        OFFERED[job.task] = job
        JOBS_BY_NAME.update(dict.fromkeys((job.task, *job.names), job))


def add_modules(names: Iterable[str]) -> None:
    """Adds the jobs of an operator's modules, which may be in the working directory too.

    Raises :class:`JobsModuleError` for a module that cannot be imported or has no job.
    """
    for name in names:
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())
        try:
            module = import_module(name)
        except Exception as error:
            raise JobsModuleError(f"JOBS_MODULES: {name} can't be imported: {type(error).__name__}: {error}") from error
        found = _jobs_of(module)
        if not found or not all(isinstance(job, Job) for job in found):
            raise JobsModuleError(f"JOBS_MODULES: {name} has neither JOB = Job(…) nor JOBS = [Job(…), …]")
        for job in found:
            add(job)


def _jobs_of(module: ModuleType) -> list[Any]:
    return [*getattr(module, "JOBS", ()), *([module.JOB] if hasattr(module, "JOB") else [])]


def _add_wings() -> None:
    folders = [import_module(f"{__package__}.{wing}.jobs") for wing in _WINGS]
    modules = [f"{folder.__name__}.{module.name}" for folder in folders for module in iter_modules(folder.__path__)]
    for job in sorted((job for name in modules for job in _jobs_of(import_module(name))), key=lambda job: job.task):
        add(job)


_add_wings()
