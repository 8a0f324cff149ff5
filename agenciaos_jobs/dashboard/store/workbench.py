"""Generated contents for the workbench: what an agency has, and its clients."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.ai_content.agents import AGENTS
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

HISTORY = 20
CLIENTS = 200


@dataclass(frozen=True)
class Generated:
    """A content in the history. ``input`` has the beginnings of its inputs; ``good`` and ``bad`` count its verdicts."""

    run_id: str
    agent_type: str
    created_at: datetime
    input: Json
    is_variation: bool
    tags: list[str]
    good: int
    bad: int

    @property
    def about(self) -> str:
        """What it is about: the inputs that people have written, in the order of the agent's form."""
        agent = AGENTS.get(self.agent_type)
        known = [field.value_of(self.input) for field in agent.input if not field.choices] if agent else []
        return " · ".join(str(value) for value in known or self.input.values() if value)


async def history(
    executor: Executor, agency_id: str, *, agent_type: str | None = None, tag: str | None = None
) -> list[Generated]:
    """An agency's newest contents, of one agent and with a tag where these are given."""
    records = await executor.fetch(QUERIES["history"], agency_id, agent_type, tag, HISTORY)
    return [Generated(**record) for record in records]


async def previous(executor: Executor, agency_id: str, agent_type: str, run_id: str) -> str | None:
    """The run of the agent's content for the agency before this one."""
    found: str | None = await executor.fetchval(QUERIES["previous"], agency_id, agent_type, run_id)
    return found


async def clients(executor: Executor, agency_id: str) -> list[tuple[str, str]]:
    """Ids and names of the agency's clients, the first 200 by name."""
    return [(record["id"], record["name"]) for record in await executor.fetch(QUERIES["clients"], agency_id, CLIENTS)]
