"""Alerts, their rules, and when operators are notified."""

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
"""An alert that was not raised for this long starts a new incident, with a new count and start."""

CLOCK_TOLERANCE = timedelta(minutes=1)
"""A notification that lies further ahead was sent while the clock was wrong, and starts no quiet time."""


@dataclass(frozen=True)
class AlertEvent:
    """Something that happened. Events of one kind and key form one alert, which lists their subjects.

    ``once``: only the first event ever with this kind and key counts.
    """

    kind: AlertKind
    key: str = ""
    subject: str | None = None
    details: Json = field(default_factory=dict)
    once: bool = False


@dataclass(frozen=True)
class GroupedEvents:
    """Events of one kind and key; ``details`` are the newest one's."""

    kind: AlertKind
    key: str
    subjects: tuple[str, ...]
    details: Json
    occurrences: int
    once: bool = False


def group(events: Iterable[AlertEvent]) -> list[GroupedEvents]:
    """Groups events by kind and key, in that order."""
    found: dict[tuple[AlertKind, str], GroupedEvents] = {}
    for event in events:
        subjects = (event.subject,) if event.subject else ()
        new = GroupedEvents(event.kind, event.key, subjects, event.details, 1, event.once)
        name = (event.kind, event.key)
        found[name] = merge(found[name], new) if name in found else new
    return [found[name] for name in sorted(found)]


def merge(before: GroupedEvents, after: GroupedEvents) -> GroupedEvents:
    """Merges two groups; keeps the last subjects."""
    subjects = tuple(dict.fromkeys((*before.subjects, *after.subjects)))[-SUBJECTS_KEPT:]
    return replace(after, subjects=subjects, occurrences=before.occurrences + after.occurrences)


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Rule(BaseModel):
    """When operators are notified of a kind of alert, and on which channels.

    They are notified after ``threshold`` events within ``window``, then at most once every ``quiet``.
    ``older_than`` and ``share`` define when a condition holds; errors with a code in ``ignore`` raise nothing.
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
    """The state of one alert. ``pending`` counts events since the last notification; ``since`` is the incident's start.

    ``ended_at`` is when a condition was resolved, ``None`` while it lasts.
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
    notified_at: datetime | None
    notifications: int
    ended_at: datetime | None

    @property
    def was_notified(self) -> bool:
        """Whether operators were notified of the present incident."""
        return self.notified_at is not None and self.notified_at >= self.since

    def as_json(self) -> Json:
        """The fields under the names of the table's columns, which outputs use too."""
        columns = {"notified_at": "told_at", "notifications": "told"}
        return {columns.get(name, name): value for name, value in vars(self).items()}


class Notification(StrEnum):
    """A kind of notification, or ``DROPPED``: too few events within the rule's window."""

    OPENED = "first"
    REPEATED = "more"
    ONGOING = "still"
    RESOLVED = "over"
    DROPPED = "forget"


def next_notification(alert: Alert, rule: Rule, now: datetime) -> Notification | None:
    """The notification that is due now, if any."""
    if (
        alert.ended_at
        and alert.was_notified
        and rule.recovery
        and alert.notified_at
        and alert.ended_at > alert.notified_at
    ):
        return Notification.RESOLVED
    quiet_until = alert.notified_at + rule.quiet if alert.notified_at else None
    is_ahead = alert.notified_at is not None and alert.notified_at > now + CLOCK_TOLERANCE
    if quiet_until and now < quiet_until and not is_ahead:
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
