"""What a job is, and the ways it can end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from agenciaos_jobs.foundation.backoff import Backoff
from agenciaos_jobs.foundation.i18n.text import Text

Json = dict[str, Any]
P = TypeVar("P", bound=BaseModel)

FailureHook = Callable[[Any, str], Awaitable[None]]
"""``async (connection, error_code)``: what is to be kept of an attempt that ends without success."""


class GiveUp(Exception):
    """The job can't succeed, however often it is tried: the run fails at once.

    ``code`` is stable and meant for programs, ``message`` for people, ``details`` for both.
    """

    def __init__(self, code: str, message: str, *, details: Json | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details or {}


class RetryLater(Exception):
    """This attempt failed; another may succeed, not before ``after`` (``None``: the job's backoff decides)."""

    def __init__(self, code: str, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.after = code, message, after


class Snooze(Exception):
    """The attempt waits for something outside, for ``after`` at the longest, and holds no slot meanwhile.

    It is no failure and costs no attempt: the job is called again in the same one, with the same payload, and finds for
    itself what it had begun. The run's ``max_duration`` counts from the attempt's first call.
    """

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"snoozed for {after}")
        self.after = after


HANDED_BACK = "handed_back"
"""The code that failure effects get when a worker that stops hands its run to another."""

REVOKED = "revoked"
"""The code that failure effects get when the run is not this worker's any more."""


@dataclass(frozen=True)
class CommitWith:
    """A success whose changes are made in the transaction that completes the run.

    ``effect(connection)`` returns the run's output, or a :class:`GiveUp` when only the transaction could tell that it
    fails.
    """

    effect: Callable[[Any], Awaitable[Json | GiveUp]]


Outcome: TypeAlias = Json | CommitWith
"""What a job returns: its output, or the changes that make it."""


@dataclass(frozen=True)
class Schedule:
    """A cron expression of five fields and the IANA zone it is read in."""

    cron: str
    timezone: str = "America/Sao_Paulo"


_STARTED = Text("Job iniciado", "Job started")


@dataclass(frozen=True)
class Limits:
    """How often, how long and how soon a job's runs execute.

    ``attempts`` counts the first one too, ``max_duration`` is in seconds an attempt, ``backoff`` is the wait between
    attempts, ``priority`` is in seconds by which its runs are ahead of others. ``per_agency``: only
    ``AGENCY_CONCURRENCY`` of one agency's runs execute at once.
    """

    attempts: int = 3
    max_duration: int = 300
    backoff: Backoff = field(default_factory=Backoff)
    priority: int = 0
    per_agency: bool = False


@dataclass(frozen=True)
class Hooks:
    """What the engine calls besides ``run``.

    ``agency(payload)`` returns the id of the agency that a run belongs to. ``is_needed(database, now)``: a slot of the
    schedule makes a run only where it returns true. ``on_discard(connection, run_ids)`` undoes what runs had reserved,
    in the transaction that ends them without success. ``cleanup(context)`` runs every two seconds on every worker, and
    puts right what runs have left behind outside.
    """

    agency: Callable[[Any], str | None] = lambda _: None
    is_needed: Callable[[Any, datetime], Awaitable[bool]] | None = None
    on_discard: Callable[[Any, list[str]], Awaitable[None]] | None = None
    cleanup: Callable[[Any], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Job(Generic[P]):
    """One kind of work. Trigger endpoints, SDK, command line, schedule, metrics and dashboard follow from it.

    ``task`` is its name, ``payload`` the pydantic model of what it takes, and ``run(context, payload)`` the work:
    an ``async`` function that returns its output, any JSON object, or :class:`CommitWith`.

    ``summary`` says what it does, ``accepted`` is the answer to who triggers it. ``names`` are what
    ``POST /api/trigger`` calls it besides ``task``. ``uses`` is the class of what its wing opens for it, found in
    ``context.uses``. ``is_internal``: only the service itself starts it, no endpoint does.
    """

    task: str
    payload: type[P]
    run: Callable[[Any, P], Awaitable[Outcome]]
    summary: Text | None = None
    accepted: Text = _STARTED
    names: tuple[str, ...] = ()
    uses: type | None = None
    limits: Limits = field(default_factory=Limits)
    schedule: Schedule | None = None
    hooks: Hooks = field(default_factory=Hooks)
    is_internal: bool = False

    @property
    def title(self) -> Text:
        """What it does, or its task's name where nothing is said of that."""
        return self.summary or Text(self.task, self.task)
