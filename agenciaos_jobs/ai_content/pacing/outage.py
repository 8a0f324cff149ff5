"""The condition of a model that does not answer."""

from agenciaos_jobs.ai_content.alerts import AI_DOWN
from agenciaos_jobs.ai_content.pacing.pacer import key_of
from agenciaos_jobs.ai_content.store import brakes
from agenciaos_jobs.alerts.store.conditions import ActiveCondition
from agenciaos_jobs.engine.store import waiting
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.i18n.formatting import Formatter


async def outages(connection: Connection) -> list[ActiveCondition]:
    """One condition for each model that does not answer while runs wait for it."""
    found = []
    for model, since in (await brakes.open_circuits(connection)).items():
        if number := await waiting.count(connection, key_of(model)):
            details = {"waiting": number, "since": Formatter("pt", since).clock(since)}
            found.append(ActiveCondition(AI_DOWN, model, details))
    return found
