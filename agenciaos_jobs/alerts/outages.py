"""The condition of an upstream that does not answer."""

from agenciaos_jobs.alerts.kind import AlertKind
from agenciaos_jobs.alerts.store.conditions import ActiveCondition
from agenciaos_jobs.engine.pacing import brakes
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.formatting import Formatter

_MAX_COUNTED = 10_000


async def outages(connection: Connection, *, kind: AlertKind, prefix: str) -> list[ActiveCondition]:
    """One condition for each upstream in outage that runs wait for, with a key that begins with ``prefix``."""
    return [
        ActiveCondition(
            kind, outage.name, {"waiting": outage.waiting, "since": Formatter("pt", outage.since).clock(outage.since)}
        )
        for outage in await brakes.outages(connection, prefix, _MAX_COUNTED)
        if outage.waiting
    ]
