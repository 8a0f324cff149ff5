"""Resources of the payment jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from agenciaos_jobs.alerts.buffer import AlertBuffer
from agenciaos_jobs.payments.guru.api import GuruAPI
from agenciaos_jobs.payments.policy.entitlement import Terms


@dataclass(frozen=True)
class Payments:
    """The business rules, Guru's API if configured, and the alert buffer.

    ``plan_products`` maps each product to its plan. ``grace`` is how long a plan is kept while a payment is late.
    ``reconcile_apply``: the nightly reconciliation with Guru corrects the differences.
    """

    plan_products: Mapping[str, str]
    grace: timedelta
    reconcile_apply: bool
    guru: GuruAPI | None
    alerts: AlertBuffer

    @property
    def terms(self) -> Terms:
        return Terms(self.plan_products, self.grace)
