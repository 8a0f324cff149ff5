"""A generated content for display: its agent, its texts in blocks, and what it looks like on its platform."""

from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.ai_content.agents import Agent, find
from agenciaos_jobs.ai_content.documents.blocks import Block, blocks
from agenciaos_jobs.ai_content.jobs import generate_ai_content
from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store.history import StoredRun

_CHATS = {"WhatsApp", "CRM"}
"""The families of agents that format text as WhatsApp does, such as ``*bold*``."""

PREVIEWED = {"META_ADS_COPY", "INSTAGRAM_CAPTION", "FEED_STORIES", "WHATSAPP_SALES_SCRIPT"}


@dataclass(frozen=True)
class Content:
    """What a run has generated. ``agent`` is ``None`` for one that no longer exists."""

    run_id: str
    created_at: datetime
    agent: Agent | None
    data: Json
    blocks: tuple[Block, ...]

    @property
    def is_chat(self) -> bool:
        return self.agent is not None and self.agent.family in _CHATS

    @property
    def preview(self) -> str | None:
        """The type of an agent that has a preview."""
        return self.agent.type if self.agent and self.agent.type in PREVIEWED else None


def is_generation(run: StoredRun) -> bool:
    """Whether the run is one of the AI job."""
    return run.task == generate_ai_content.JOB.task


def agent_of(run: StoredRun) -> Agent | None:
    """The agent that the payload names; ``None`` for one that no longer exists, and for older calls."""
    return find(str(run.payload.get("agentType") or ""))


def content_of(run: StoredRun) -> Content | None:
    """The content that a run has generated; ``None`` if it has generated none."""
    output = run.output if run.status is Status.COMPLETED and is_generation(run) else None
    if not isinstance(output, dict) or not isinstance(output.get("data"), dict):
        return None
    agent = agent_of(run)
    data = {name: value for name, value in output["data"].items() if value != output.get("content")}
    return Content(run.id, run.created_at, agent, data, blocks(agent, data))
