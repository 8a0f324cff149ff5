"""Alerts: what is worth telling an operator, and when it is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.duration import parse_duration

DELIVERY = "deliver-alert"
"""The task that delivers alerts. Its own failures raise none, or one broken channel would never come to an end."""

CHANNELS = ("email", "slack", "webhook")
SUBJECTS_KEPT = 10
EPISODE = timedelta(hours=24)
"""An alert that was not raised for this long begins anew: its count, and since when."""


class Kind(StrEnum):
    """What an alert is about. Beside each kind: what its ``key`` and ``subject`` are, and the details its text uses."""

    RUN_FAILED = "run_failed"
    """task; run id; type, code, message, fingerprint."""
    ERROR_NEW = "error_new"
    """task; the error in short; type, code, message, fingerprint."""
    ERROR_BACK = "error_back"
    """task; the error in short; type, code, message, fingerprint."""
    FAILURE_RATE = "failure_rate"
    """task; -; failed, ended, percent."""
    QUEUE_AGE = "queue_age"
    """task; -; depth, seconds."""
    SCHEDULE_MISSED = "schedule_missed"
    """schedule id; task; slot, seconds."""
    WORKER_LOST = "worker_lost"
    """-; host:pid; seen."""
    NO_WORKERS = "no_workers"
    """-; -; waiting."""
    AI_BUDGET_AGENCY = "ai_budget_agency"
    """80 or 100 (percent); agency id; used, limit, plan."""
    AI_BUDGET_TOTAL = "ai_budget_total"
    """month and percent, such as 2026-11:80; -; spent, budget, percent, month."""
    PAYMENT_UNMATCHED = "payment_unmatched"
    """source or -; event or run id; code, reason. A payment that belongs to no agency, or buys no known plan."""
    PAYMENT_UNVERIFIED = "payment_unverified"
    """source or -; event or run id; code, reason. A payment that could not be confirmed with whoever took it."""
    PAYMENT_DIFFERENCE = "payment_difference"
    """source; agency id; plan, plan_by_guru, reason. A plan that is not what Guru's word makes it."""
    WEBHOOK_DEACTIVATED = "webhook_deactivated"
    """source, such as guru; webhook id; reason."""
    WRONG_TOKEN = "wrong_token"  # noqa: S105 - a kind's name
    """which door, such as api or guru; remote address; -."""
    CHANNEL_BROKEN = "channel_broken"
    """channel; -; error."""


CONDITIONS = frozenset({Kind.FAILURE_RATE, Kind.QUEUE_AGE, Kind.NO_WORKERS})
"""Kinds that are so until they are over; the others happen."""


@dataclass(frozen=True)
class Event:
    """Something that happened. Events of one kind and key are told as one alert, ``subject`` by ``subject``.

    ``once``: of all events with this kind and key only the first one counts, ever.
    """

    kind: Kind
    key: str = ""
    subject: str | None = None
    details: Json = field(default_factory=dict)
    once: bool = False


@dataclass(frozen=True)
class Raised:
    """Events of one kind and key together; ``details`` are the newest one's."""

    kind: Kind
    key: str
    subjects: tuple[str, ...]
    details: Json
    occurrences: int
    once: bool = False


def together(events: Iterable[Event]) -> list[Raised]:
    """One for each kind and key, in the order of these."""
    found: dict[tuple[Kind, str], Raised] = {}
    for event in events:
        subjects = (event.subject,) if event.subject else ()
        new = Raised(event.kind, event.key, subjects, event.details, 1, event.once)
        name = (event.kind, event.key)
        found[name] = joined(found[name], new) if name in found else new
    return [found[name] for name in sorted(found)]


def joined(before: Raised, after: Raised) -> Raised:
    """Both as one; the last subjects are kept."""
    subjects = tuple(dict.fromkeys((*before.subjects, *after.subjects)))[-SUBJECTS_KEPT:]
    return replace(after, subjects=subjects, occurrences=before.occurrences + after.occurrences)


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Rule(BaseModel):
    """When a kind of alert is told, and where.

    It is told when it has been raised ``threshold`` times within ``window``, then at most every ``quiet``.
    ``older_than`` and ``share`` say when a condition holds; errors with a code in ``ignore`` raise nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    channels: tuple[str, ...] = CHANNELS
    threshold: int = Field(default=1, ge=1)
    window: Duration = timedelta(minutes=10)
    quiet: Duration = timedelta(minutes=30)
    recovery: bool = True
    older_than: Duration = timedelta(minutes=1)
    share: float = Field(default=0.2, gt=0, le=1)
    ignore: frozenset[str] = frozenset()


AlertRules = Mapping[Kind, Rule]


@dataclass(frozen=True)
class Alert:
    """What is known of one alert. ``pending`` counts what was raised since it was told; ``since`` begins its episode.

    ``ended_at`` is when a condition was over; it is ``None`` while it lasts.
    """

    id: str
    kind: Kind
    key: str
    subjects: tuple[str, ...]
    details: Json
    since: datetime
    raised_at: datetime
    raised: int
    pending: int
    pending_since: datetime | None
    told_at: datetime | None
    told: int
    ended_at: datetime | None

    @property
    def was_told(self) -> bool:
        """Whether anything was told of the present episode."""
        return self.told_at is not None and self.told_at >= self.since


class Telling(StrEnum):
    """What is told of an alert, or ``FORGET``: too little happened within the rule's window."""

    FIRST = "first"
    MORE = "more"
    STILL = "still"
    OVER = "over"
    FORGET = "forget"


def decide(alert: Alert, rule: Rule, now: datetime) -> Telling | None:
    """What is to be told now; ``None`` where nothing is yet."""
    if alert.ended_at and alert.was_told and rule.recovery and alert.told_at and alert.ended_at > alert.told_at:
        return Telling.OVER
    quiet_until = alert.told_at + rule.quiet if alert.told_at else None
    if quiet_until and now < quiet_until:
        return None
    if alert.kind in CONDITIONS and alert.ended_at is None and alert.was_told:
        return Telling.STILL
    if not alert.pending or alert.pending_since is None:
        return None
    needed = 1 if alert.kind in CONDITIONS else rule.threshold
    if alert.pending >= needed:
        gathered = quiet_until is not None and alert.pending_since < quiet_until
        return Telling.MORE if gathered else Telling.FIRST
    return Telling.FORGET if now > alert.pending_since + rule.window else None


def budget_step(used: int, limit: int) -> int | None:
    """The percentage, 80 or 100, that is reached by the very last one of ``used``; ``None`` where neither is."""
    if limit <= 0 or used > limit:
        return None
    if used == limit:
        return 100
    return 80 if used == -(-limit * 4 // 5) else None
