"""The few things a job may touch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from agenciaos_jobs.core.clock import Clock
from agenciaos_jobs.core.content import Answer, Prompt
from agenciaos_jobs.core.job import FailureEffect
from agenciaos_jobs.core.run import ClaimedRun
from agenciaos_jobs.storage.database import Database

Logger = FilteringBoundLogger


class Model(Protocol):
    """Something that writes: OpenAI, or what stands in for it."""

    async def answer(self, prompt: Prompt) -> Answer: ...


@dataclass(frozen=True)
class Rules:
    """The business's own figures: AI generations a month by plan, and the plan that each product buys."""

    ai_monthly_limit: Mapping[str, int]
    plan_products: Mapping[str, str]


@dataclass(frozen=True)
class App:
    """What is the same for every run."""

    clock: Clock
    database: Database
    model: Model
    rules: Rules

    def for_run(self, run: ClaimedRun, log: Logger) -> "RunApp":
        """The same, as one run's job gets it."""
        return RunApp(self.clock, self.database, self.model, self.rules, run, log)


@dataclass(frozen=True)
class RunApp(App):
    """What a job gets: the application, its own run, and a log that is kept with it."""

    run: ClaimedRun
    log: Logger
    failure_effects: list[FailureEffect] = field(default_factory=list)

    def when_failed(self, effect: FailureEffect) -> None:
        """Has ``effect`` made in the transaction that ends this attempt without success; the last one given wins."""
        self.failure_effects[:] = [effect]
