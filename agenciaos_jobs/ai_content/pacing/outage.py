"""The condition of a model that does not answer."""

from agenciaos_jobs.ai_content.alerts import AI_DOWN
from agenciaos_jobs.ai_content.pacing.upstream import OPENAI
from agenciaos_jobs.alerts.store.conditions import ActiveCondition
from agenciaos_jobs.engine.pacing import brakes
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.formatting import Formatter


async def outages(connection: Connection) -> list[ActiveCondition]:
    """One condition for each model that does not answer while runs wait for it."""
    return [
        ActiveCondition(
            AI_DOWN,
            outage.name,
            {"waiting": outage.waiting, "since": Formatter("pt", outage.since).clock(outage.since)},
        )
        for outage in await brakes.outages(connection, OPENAI)
    ]
