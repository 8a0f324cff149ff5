"""The providers' APIs as upstreams: their limits and outages are waited for."""

from datetime import timedelta

from agenciaos_jobs.alerts.store.conditions import ActiveCondition
from agenciaos_jobs.engine.pacing import brakes
from agenciaos_jobs.engine.pacing.upstream import Upstream
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.payments.alerts import PAYMENT_PROVIDER_DOWN
from agenciaos_jobs.payments.provider import Provider

PROVIDER = "provider:"
"""The prefix of the providers' keys."""


def upstream_of(provider: Provider, wait_limit: timedelta) -> Upstream:
    """The provider's API, all calls of which share one limit."""
    return Upstream(PROVIDER + provider.name, provider.label, wait_limit, "payment_wait_limit_reached")


async def outages(connection: Connection) -> list[ActiveCondition]:
    """One condition for each provider whose API does not answer while runs wait for it."""
    return [
        ActiveCondition(
            PAYMENT_PROVIDER_DOWN,
            outage.name,
            {"waiting": outage.waiting, "since": Formatter("pt", outage.since).clock(outage.since)},
        )
        for outage in await brakes.outages(connection, PROVIDER)
    ]
