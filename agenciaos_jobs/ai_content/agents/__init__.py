"""The agents, one TOML file each, with a folder for each family. Adding a file adds an agent."""

from agenciaos_jobs.ai_content.agents.agent import Agent, AgentError
from agenciaos_jobs.ai_content.agents.catalogue import AGENTS, add_folder, find

__all__ = ["AGENTS", "Agent", "AgentError", "add_folder", "find"]
