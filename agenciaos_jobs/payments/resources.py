"""What the jobs of payments use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from agenciaos_jobs.alerts.buffer import AlertBuffer
from agenciaos_jobs.payments.guru.api import GuruAPI
from agenciaos_jobs.payments.policy.entitlement import Terms


@dataclass(frozen=True)
class Payments:
    """The business's rules, Guru's API where it is configured, and where alerts are recorded.

    ``plan_products`` maps each product to the plan that it buys. ``grace`` is how long a plan outlives a payment that
    is late. ``reconcile_apply``: the nightly comparison with Guru corrects what it finds.
    """

    plan_products: Mapping[str, str]
    grace: timedelta
    reconcile_apply: bool
    guru: GuruAPI | None
    alerts: AlertBuffer

    @property
    def terms(self) -> Terms:
        return Terms(self.plan_products, self.grace)
