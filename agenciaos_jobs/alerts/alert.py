"""Alerts: what is worth telling an operator, and when it is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.duration import parse_duration

DELIVERY = "deliver-alert"
"""The task that delivers alerts. Its own failures raise none, or one broken channel would never come to an end."""

CHANNELS = ("email", "slack", "webhook")
SUBJECTS_KEPT = 10
INCIDENT_GAP = timedelta(hours=24)
"""An alert that was not raised for this long begins anew: its count, and since when."""


@dataclass(frozen=True)
class Event:
    """Something that happened. Events of one kind and key are told as one alert, ``subject`` by ``subject``.

    ``once``: of all events with this kind and key only the first one counts, ever.
    """

    kind: AlertKind
    key: str = ""
    subject: str | None = None
    details: Json = field(default_factory=dict)
    once: bool = False


@dataclass(frozen=True)
class GroupedEvents:
    """Events of one kind and key together; ``details`` are the newest one's."""

    kind: AlertKind
    key: str
    subjects: tuple[str, ...]
    details: Json
    occurrences: int
    once: bool = False


def together(events: Iterable[Event]) -> list[GroupedEvents]:
    """One for each kind and key, in the order of these."""
    found: dict[tuple[AlertKind, str], GroupedEvents] = {}
    for event in events:
        subjects = (event.subject,) if event.subject else ()
        new = GroupedEvents(event.kind, event.key, subjects, event.details, 1, event.once)
        name = (event.kind, event.key)
        found[name] = joined(found[name], new) if name in found else new
    return [found[name] for name in sorted(found)]


def joined(before: GroupedEvents, after: GroupedEvents) -> GroupedEvents:
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


AlertRules = Mapping[AlertKind, Rule]


@dataclass(frozen=True)
class Alert:
    """What is known of one alert. ``pending`` counts what was raised since it was told; ``since`` begins its episode.

    ``ended_at`` is when a condition was over; it is ``None`` while it lasts.
    """

    id: str
    kind: AlertKind
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
    def was_notified(self) -> bool:
        """Whether anything was told of the present episode."""
        return self.told_at is not None and self.told_at >= self.since


class Notification(StrEnum):
    """What is told of an alert, or ``DROPPED``: too little happened within the rule's window."""

    OPENED = "first"
    REPEATED = "more"
    ONGOING = "still"
    RESOLVED = "over"
    DROPPED = "forget"


def decide(alert: Alert, rule: Rule, now: datetime) -> Notification | None:
    """What is to be told now; ``None`` where nothing is yet."""
    if alert.ended_at and alert.was_notified and rule.recovery and alert.told_at and alert.ended_at > alert.told_at:
        return Notification.RESOLVED
    quiet_until = alert.told_at + rule.quiet if alert.told_at else None
    if quiet_until and now < quiet_until:
        return None
    if alert.kind.is_condition and alert.ended_at is None and alert.was_notified:
        return Notification.ONGOING
    if not alert.pending or alert.pending_since is None:
        return None
    needed = 1 if alert.kind.is_condition else rule.threshold
    if alert.pending >= needed:
        gathered = quiet_until is not None and alert.pending_since < quiet_until
        return Notification.REPEATED if gathered else Notification.OPENED
    return Notification.DROPPED if now > alert.pending_since + rule.window else None
