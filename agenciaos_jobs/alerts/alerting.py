"""Resources for notifying operators."""

from collections.abc import Mapping
from dataclasses import dataclass

from agenciaos_jobs.alerts.alert import AlertRules
from agenciaos_jobs.alerts.buffer import AlertBuffer
from agenciaos_jobs.alerts.message import Channel


@dataclass(frozen=True)
class Alerting:
    """The rules by which operators are notified, the channels, and the dashboard's address for links."""

    rules: AlertRules
    channels: Mapping[str, Channel]
    public_url: str | None
    buffer: AlertBuffer
