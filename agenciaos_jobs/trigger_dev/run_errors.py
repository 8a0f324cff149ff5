"""A run's error as callers and their customers read it."""

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.registry import JOBS

_WORDS = {
    "worker_lost": Text("A execução foi interrompida. Tente de novo.", "The run was interrupted. Try again."),
    "expired": Text("A execução não começou a tempo.", "The run did not start in time."),
    "MaxDurationExceeded": Text("A execução passou do tempo máximo.", "The run exceeded its maximum duration."),
}
"""The engine's own errors. Jobs explain theirs with ``Hooks.explain``."""


def code_of(error: Json) -> str:
    """What programs distinguish errors by: the job's code, or else the type of the exception."""
    return str(error.get("code") or error["type"])


def message_of(task: str, error: Json, language: Language) -> str:
    """The message for people: in their language where the code has words, else as it was raised."""
    code, message = code_of(error), str(error["message"])
    explain = JOBS[task].hooks.explain if task in JOBS else None
    words = (explain(code, error.get("details", {})) if explain else None) or _WORDS.get(code)
    return words.in_language(language) if words else message
