"""The words for a stored error."""

from agenciaos_jobs.dashboard.failures.engine import ENGINE
from agenciaos_jobs.dashboard.failures.jobs import FAMILIES, WORDS
from agenciaos_jobs.dashboard.failures.words import FailureWords
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.registry import JOBS


def explain(task: str, error: Json) -> FailureWords | None:
    """The words for a stored error; ``None`` for a code of a job outside this package, and for unexpected errors."""
    code = str(error.get("code") or error.get("type"))
    job = JOBS.get(task)
    if code in ENGINE or job is None or not job.run.__module__.startswith("agenciaos_jobs."):
        return ENGINE.get(code)
    return WORDS.get(code) or next((words for start, words in FAMILIES.items() if code.startswith(start)), None)
