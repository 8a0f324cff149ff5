"""The job definition, and the outcomes of an attempt."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.i18n.text import Text

Json = dict[str, Any]
P = TypeVar("P", bound=BaseModel)

FailureHook = Callable[[Any, str], Awaitable[None]]
"""``async (connection, error_code)``: called in the transaction that ends an attempt unsuccessfully."""


class GiveUp(Exception):
    """A permanent failure: the run fails at once, without more attempts.

    ``code`` is stable and meant for programs, ``message`` for people, ``details`` for both.
    """

    def __init__(self, code: str, message: str, *, details: Json | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details or {}


class RetryLater(Exception):
    """A temporary failure: the run is retried after ``after``, or after the job's backoff if that is ``None``."""

    def __init__(self, code: str, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.after = code, message, after


@dataclass(frozen=True)
class Waiting:
    """What a run waits for before it can do its work: ``reason`` is for people, ``key`` is the same for all such runs.

    ``engine.store.waiting`` counts and releases the runs of a key.
    """

    key: str
    reason: Text


class Snooze(Exception):
    """The attempt waits for an external event, for up to ``after``, and holds no slot meanwhile.

    This is not a failure and uses up no attempt. The job is called again in the same attempt with the same payload, and
    must find for itself what it had begun. The run's ``max_duration`` counts from the attempt's first call; one that
    waits to begin (``waiting``) shows why, and its ``max_duration`` begins anew.
    """

    def __init__(self, after: timedelta, waiting: Waiting | None = None) -> None:
        super().__init__(f"snoozed for {after}")
        self.after, self.waiting = after, waiting


HANDED_BACK = "handed_back"
"""The error code for failure hooks when a stopping worker hands its run back to the queue."""

REVOKED = "revoked"
"""The error code for failure hooks when this worker no longer owns the run."""


@dataclass(frozen=True)
class CommitWith:
    """A success with an effect that commits in the transaction that completes the run.

    ``effect(connection)`` returns the run's output, or a :class:`GiveUp` to fail the run and still commit. It counts
    towards the run's ``max_duration``.
    """

    effect: Callable[[Any], Awaitable[Any]]


Outcome: TypeAlias = Any
"""What a job returns: its output, which is any JSON value, or a :class:`CommitWith` that produces the output."""


@dataclass(frozen=True)
class Schedule:
    """A five-field cron expression and its IANA time zone."""

    cron: str
    timezone: str = "America/Sao_Paulo"


_STARTED = Text("Job iniciado", "Job started")


@dataclass(frozen=True)
class Limits:
    """The limits of a job's runs.

    ``attempts`` includes the first one. ``max_duration`` is in seconds per attempt. ``backoff`` is the wait between
    attempts. ``priority`` is the number of seconds by which its runs go ahead of others. ``per_agency``: at most
    ``AGENCY_CONCURRENCY`` runs of one agency execute at once.
    """

    attempts: int = 3
    max_duration: int = 300
    backoff: Backoff = field(default_factory=Backoff)
    priority: int = 0
    per_agency: bool = False


@dataclass(frozen=True)
class Hooks:
    """Optional callbacks of a job.

    ``agency(payload)`` returns the id of the agency that a run belongs to. ``max_duration(payload)`` is the limit of an
    attempt in seconds, if it depends on the payload. ``is_needed(database, now)``: a slot of the schedule makes a run
    only if it returns true. ``on_discard(connection, run_ids)`` releases what runs had reserved,
    in the transaction that ends them unsuccessfully. ``cleanup(context)`` runs every two seconds on every worker, and
    cleans up what runs have left in external systems. ``explain(code, details)`` returns what customers read for an
    error of the job's; ``None`` leaves the message as it was raised.
    """

    agency: Callable[[Any], str | None] = lambda _: None
    max_duration: Callable[[Any], int] | None = None
    is_needed: Callable[[Any, datetime], Awaitable[bool]] | None = None
    on_discard: Callable[[Any, list[str]], Awaitable[None]] | None = None
    cleanup: Callable[[Any], Awaitable[None]] | None = None
    explain: Callable[[str, Json], Text | None] | None = None


@dataclass(frozen=True)
class Job(Generic[P]):
    """A job definition. Trigger endpoints, SDK, command line, schedule, metrics and dashboard derive from it.

    ``task`` is the job's name and ``payload`` the pydantic model of its input. ``run(context, payload)`` is the work:
    an ``async`` function that returns its output, any JSON value, or :class:`CommitWith`. If it is
    ``blocking``, it is a plain function instead: it runs in a thread, and awaits with ``context.call(…)``.

    ``summary`` describes the job and ``accepted`` is the message to callers that trigger it. ``names`` are aliases of
    ``task`` in ``POST /api/trigger``. ``uses`` is the class of the resource in ``context.uses``. ``is_internal``: only
    the service itself triggers it; it has no endpoint.
    """

    task: str
    payload: type[P]
    run: Callable[[Any, P], Awaitable[Outcome] | Outcome]
    summary: Text | None = None
    accepted: Text = _STARTED
    names: tuple[str, ...] = ()
    uses: type | None = None
    limits: Limits = field(default_factory=Limits)
    schedule: Schedule | None = None
    hooks: Hooks = field(default_factory=Hooks)
    is_internal: bool = False
    blocking: bool = False

    def __post_init__(self) -> None:
        """Raises ``TypeError`` for an ``async`` function that is declared as blocking."""
        if self.blocking and iscoroutinefunction(self.run):
            raise TypeError(f"job {self.task!r}: blocking=True is for a plain function, run is an async one")

    @property
    def title(self) -> Text:
        """The summary, or the task's name if there is none."""
        return self.summary or Text(self.task, self.task)
