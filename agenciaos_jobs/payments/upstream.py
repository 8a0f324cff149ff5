"""The providers' APIs as upstreams: their limits and outages are waited for."""

from datetime import timedelta

from agenciaos_jobs.engine.pacing.upstream import Upstream
from agenciaos_jobs.payments.provider import Provider

PROVIDER = "provider:"
"""The prefix of the providers' keys."""


def upstream_of(provider: Provider, wait_limit: timedelta) -> Upstream:
    """The provider's API, all calls of which share one limit."""
    return Upstream(PROVIDER + provider.name, provider.label, wait_limit, "payment_wait_limit_reached")
