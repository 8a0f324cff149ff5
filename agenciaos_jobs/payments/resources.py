"""Resources of the payment jobs."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from agenciaos_jobs.engine.pacing.pacer import Pacer
from agenciaos_jobs.payments.policy.terms import Terms
from agenciaos_jobs.payments.provider import Provider


@dataclass(frozen=True)
class Payments:
    """The business rules, the payment providers by name, and the pacer of their APIs.

    ``reconcile_apply``: the nightly reconciliation with the providers corrects the differences.
    """

    terms: Terms
    providers: Mapping[str, Provider]
    pacer: Pacer
    reconcile_apply: bool


PAYMENTS = web.AppKey("payments", Payments)
