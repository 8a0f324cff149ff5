"""The few things a job may touch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

from structlog.typing import FilteringBoundLogger

from agenciaos_jobs.ai_content.background import Asked
from agenciaos_jobs.ai_content.prompt import Answer, Prompt
from agenciaos_jobs.alerts.alert import AlertRules, Event, Kind
from agenciaos_jobs.alerts.message import Channel
from agenciaos_jobs.engine.model.job import FailureEffect, Json
from agenciaos_jobs.engine.model.run import ClaimedRun
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.payments.policy.entitlement import Terms

Logger = FilteringBoundLogger


class Model(Protocol):
    """Something that writes: OpenAI, or what stands in for it.

    ``in_background`` tells whether it takes long requests for which nobody waits; ``is_announced``, whether a webhook
    tells when one is answered.
    """

    in_background: bool
    is_announced: bool

    async def answer(self, prompt: Prompt) -> Answer: ...

    async def ask(self, prompt: Prompt) -> Asked: ...

    async def look(self, response_id: str) -> Answer | None: ...

    async def withdraw(self, response_id: str) -> Answer | None: ...


class Alarm(Protocol):
    """Something that stores what is raised, in its own time."""

    def raise_event(self, event: Event) -> None: ...


class Sales(Protocol):
    """Who knows what was sold: Guru's REST API. ``None`` where it knows nothing of the kind."""

    async def transaction(self, transaction_id: str) -> Json | None: ...

    async def subscription(self, name: str) -> Json | None: ...


@dataclass(frozen=True)
class Rules:
    """The business's own figures: AI generations a month by plan, and the plan that each product buys.

    ``payment_grace`` is how long a plan outlives a payment that is late. ``reconcile_apply``: the nightly comparison
    with Guru puts right what it finds.
    """

    ai_monthly_limit: Mapping[str, int]
    plan_products: Mapping[str, str]
    payment_grace: timedelta = timedelta(days=3)
    reconcile_apply: bool = False

    @property
    def terms(self) -> Terms:
        return Terms(self.plan_products, self.payment_grace)


@dataclass(frozen=True)
class Alerting:
    """How alerts are told: by which rules, on which channels, with links to where the dashboard is.

    ``ai_budget`` is what AI may cost a month, in US dollars; ``None`` where nobody set it.
    """

    rules: AlertRules
    channels: Mapping[str, Channel]
    public_url: str | None
    ai_budget: Decimal | None


@dataclass(frozen=True)
class App:
    """What is the same for every run."""

    clock: Clock
    database: Database
    model: Model
    rules: Rules
    guru: Sales | None
    alarm: Alarm
    alerting: Alerting

    def alert(self, kind: Kind, key: str = "", *, subject: str | None = None, **details: Any) -> None:
        """Raises an alert, without waiting and without failing; it is stored within a second, and told by its rule.

        Alerts of one kind and key are one, counted and told together; ``subject`` is whom or what this one is about.
        :class:`~agenciaos_jobs.core.alert.Kind` tells what each kind takes. Where the alert must stand or fall with a
        transaction, use ``storage.alerts.add`` on its connection instead.
        """
        self.alarm.raise_event(Event(kind, key, subject, details))

    def for_run(self, run: ClaimedRun, log: Logger) -> "RunApp":
        """The same, as one run's job gets it."""
        return RunApp(**vars(self), run=run, log=log)


@dataclass(frozen=True)
class RunApp(App):
    """What a job gets: the application, its own run, and a log that is kept with it."""

    run: ClaimedRun
    log: Logger
    failure_effects: list[FailureEffect] = field(default_factory=list)

    def when_failed(self, effect: FailureEffect) -> None:
        """Has ``effect`` made in the transaction that ends this attempt without success; the last one given wins."""
        self.failure_effects[:] = [effect]
