"""What a job is, and the ways it can end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from agenciaos_jobs.foundation.backoff import Backoff

Json = dict[str, Any]
P = TypeVar("P", bound=BaseModel)

FailureEffect = Callable[[Any, str], Awaitable[None]]
"""``async (connection, error_code)``: what is to be kept of an attempt that ends without success."""


class GiveUp(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The job can't succeed, however often it is tried: the run fails at once.

    ``code`` is stable and meant for programs, ``message`` for people, ``details`` for both.
    """

    def __init__(self, code: str, message: str, *, details: Json | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details or {}


class RetryLater(Exception):  # noqa: N818
    """This attempt failed; another may succeed, not before ``after`` (``None``: the job's backoff decides)."""

    def __init__(self, code: str, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.after = code, message, after


class StandBy(Exception):  # noqa: N818
    """The attempt waits for something outside, for ``after`` at the longest, and holds no slot meanwhile.

    It is no failure and costs no attempt: the job is called again in the same one, with the same payload, and finds for
    itself what it had begun. The run's ``max_duration`` counts from the attempt's first call.
    """

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"standing by for {after}")
        self.after = after


HANDED_BACK = "handed_back"
"""The code that failure effects get when a worker that stops hands its run to another."""

REVOKED = "revoked"
"""The code that failure effects get when the run is not this worker's any more."""


@dataclass(frozen=True)
class Finish:
    """A success whose changes are made in the transaction that completes the run.

    ``effect`` returns the run's output, or a :class:`GiveUp` when only the transaction could tell that it fails.
    """

    effect: Callable[[Any], Awaitable[Json | GiveUp]]


@dataclass(frozen=True)
class Schedule:
    """A cron expression of five fields and the IANA zone it is read in."""

    cron: str
    timezone: str = "America/Sao_Paulo"


@dataclass(frozen=True)
class Job(Generic[P]):
    """One kind of work: everything the engine, the doors and the command line need to know of it.

    ``attempts`` counts the first one too. ``max_duration`` is in seconds. ``names`` are what ``POST /api/trigger``
    calls it besides ``task``. ``priority`` is in seconds, by which its runs are ahead of others. ``agency`` tells whose
    run it is; ``limited_by_agency`` lets only so many of an agency's runs go at once. ``abandon(connection, run_ids)``
    undoes what a run had set aside, in the transaction in which it ends without success. ``tidy(app)`` puts right,
    every few seconds and on every worker, what its runs have left behind outside. ``is_internal``: only the service
    itself starts it, no door does. ``is_needed(database, now)``: a slot of its schedule makes a run only where it
    answers true.
    """

    task: str
    payload: type[P]
    run: Callable[[Any, P], Awaitable[Json | Finish]]
    summary: str
    accepted: Mapping[str, str]
    names: tuple[str, ...] = ()
    attempts: int = 3
    max_duration: int = 300
    backoff: Backoff = field(default_factory=Backoff)
    schedule: Schedule | None = None
    priority: int = 0
    limited_by_agency: bool = False
    agency: Callable[[P], str | None] = lambda _: None
    abandon: Callable[[Any, list[str]], Awaitable[None]] | None = None
    tidy: Callable[[Any], Awaitable[None]] | None = None
    is_internal: bool = False
    is_needed: Callable[[Any, datetime], Awaitable[bool]] | None = None
