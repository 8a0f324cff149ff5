"""Alert messages, and the channels that send them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from agenciaos_jobs.alerts.alert import Notification


@dataclass(frozen=True)
class AlertMessage:
    """One alert in words, Portuguese with an English line. ``link`` leads to the dashboard, where its address is set.

    ``since`` and ``at`` are ISO 8601 in UTC, for programs; ``times`` is what people read of how often and since when.
    """

    kind: str
    key: str
    telling: str
    title: str
    what: str
    times: str
    subjects: tuple[str, ...]
    advice: str
    english: str
    since: str
    at: str
    occurrences: int
    total: int
    link: str | None = None

    @property
    def is_over(self) -> bool:
        return self.telling == Notification.RESOLVED

    @property
    def listed(self) -> tuple[str, ...]:
        """The subjects that neither title nor text names."""
        return tuple(subject for subject in self.subjects if subject not in f"{self.title} {self.what}")


class ChannelError(Exception):
    """A channel did not accept a message. ``is_final``: retrying is useless until the configuration changes.

    ``after`` is the delay that the channel asked for.
    """

    def __init__(self, code: str, message: str, *, is_final: bool, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.is_final, self.after = code, message, is_final, after


class Channel(Protocol):
    """A way to reach an operator."""

    async def send(self, notice_id: str, message: AlertMessage) -> None:
        """Sends the message; ``notice_id`` is the same each time it is tried. Raises :class:`ChannelError`."""
        ...

    async def probe(self) -> str:
        """Checks the channel without sending; returns the finding in words. Raises :class:`ChannelError`."""
        ...
