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

_HOMES = {
    "agenciaos_jobs.engine.context": ("JobContext", "RunContext"),
    "agenciaos_jobs.engine.model.job": (
        "CommitWith",
        "GiveUp",
        "Hooks",
        "Job",
        "Limits",
        "RetryLater",
        "Schedule",
        "Snooze",
    ),
    "agenciaos_jobs.engine.wait_tokens": ("TokenTimedOutError",),
    "agenciaos_jobs.foundation.backoff": ("Backoff",),
    "agenciaos_jobs.foundation.i18n.text": ("Text",),
}

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
    """The name out of its module, imported at its first use, so that ``agenciaos_jobs.client`` imports no engine."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
