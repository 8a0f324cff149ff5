"""The dependencies of the jobs and pages of reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from agenciaos_jobs.alerts.channels.email import Mailer
from agenciaos_jobs.alerts.channels.webhook import SignedWebhook
from agenciaos_jobs.reports.store.generation import Rates


@dataclass(frozen=True)
class Reports:
    """What reports hold and how they are delivered.

    ``refresh_months``: how many months before the report's own are generated again. ``mailer`` and ``webhook`` are
    ``None`` where that delivery is off. ``public_url`` is where people reach the service. ``keys`` sign the links that
    unsubscribe: the first one signs, all of them verify. ``insights``: whether a model adds sentences.
    """

    refresh_months: int
    rates: Rates
    public_url: str | None = None
    mailer: Mailer | None = None
    sender: str = ""
    emails_per_minute: int = 60
    webhook: SignedWebhook | None = None
    keys: Sequence[str] = field(default=(), repr=False)
    insights: bool = False


REPORTS = web.AppKey("reports", Reports)
