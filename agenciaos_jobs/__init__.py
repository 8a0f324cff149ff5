"""Background jobs of AgênciaOS.

These names are the API for writing a job. They change only in a release whose changelog announces it. A job is a module
with a pydantic payload, an ``async def run(context, payload)`` and a ``JOB``. With ``Job(…, blocking=True)`` the
``run`` is a plain function, in a thread of its own::

    from datetime import timedelta

    from pydantic import BaseModel

    from agenciaos_jobs import Job, RetryLater, RunContext


    class Payload(BaseModel):
        invoice: str


    async def run(context: RunContext, payload: Payload) -> dict[str, str]:
        row = await context.database.fetchrow("SELECT sent_at FROM invoices WHERE id = $1", payload.invoice)
        if row is None:
            raise RetryLater("invoice_missing", "the invoice is not there yet", after=timedelta(minutes=5))
        context.log.info("reminded", invoice=payload.invoice)
        return {"invoice": payload.invoice}


    JOB = Job("send-reminder", Payload, run)

``JOBS_MODULES`` names the module to servers and workers. docs/writing-a-job.md goes on from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agenciaos_jobs.engine.context import JobContext, RunContext
    from agenciaos_jobs.engine.model.job import (
        CommitWith,
        GiveUp,
        Hooks,
        Job,
        Limits,
        RetryLater,
        Schedule,
        Snooze,
    )
    from agenciaos_jobs.engine.wait_tokens import TokenTimedOutError
    from agenciaos_jobs.foundation.backoff import Backoff
    from agenciaos_jobs.foundation.i18n.text import Text

_MODULES = {
    "Backoff": "foundation.backoff",
    "CommitWith": "engine.model.job",
    "GiveUp": "engine.model.job",
    "Hooks": "engine.model.job",
    "Job": "engine.model.job",
    "JobContext": "engine.context",
    "Limits": "engine.model.job",
    "RetryLater": "engine.model.job",
    "RunContext": "engine.context",
    "Schedule": "engine.model.job",
    "Snooze": "engine.model.job",
    "Text": "foundation.i18n.text",
    "TokenTimedOutError": "engine.wait_tokens",
}
"""The module of each name. Loaded on first use, so that the command line starts in a fraction of a second."""

__all__ = [
    "Backoff",
    "CommitWith",
    "GiveUp",
    "Hooks",
    "Job",
    "JobContext",
    "Limits",
    "RetryLater",
    "RunContext",
    "Schedule",
    "Snooze",
    "Text",
    "TokenTimedOutError",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
