"""An upstream: a service that limits its callers and may be down, and what its calls raise then."""

from dataclasses import dataclass
from datetime import timedelta

from agenciaos_jobs.engine.model.job import RetryLater
from agenciaos_jobs.foundation.i18n.text import Text


class RateLimitedError(RetryLater):
    """The upstream's limit is reached. ``after`` is the wait that it requests."""


class UnavailableError(RetryLater):
    """The upstream answers with a fault of its own, or not at all."""


@dataclass(frozen=True)
class Upstream:
    """What is paced as one: a model, or the API of a payment provider.

    ``key`` names its brake and the runs that wait for it, and ``label`` the service, for people. A run that has waited
    for ``wait_limit`` fails with ``limit_code``; ``setting`` is where that limit comes from, if it can be set.
    """

    key: str
    label: str
    wait_limit: timedelta
    limit_code: str
    setting: str = ""

    @property
    def limited(self) -> Text:
        return Text(f"Limite de uso da {self.label}", f"{self.label}'s rate limit")

    @property
    def down(self) -> Text:
        return Text(f"{self.label} fora do ar", f"{self.label} is down")
