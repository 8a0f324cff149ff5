"""The agents, one TOML file each. Adding a file adds an agent."""

import tomllib
from importlib.resources import files

from agenciaos_jobs.ai_content.prompt import Agent, AgentError


def _read(name: str, text: str) -> Agent:
    try:
        return Agent.from_file(tomllib.loads(text))
    except (AgentError, tomllib.TOMLDecodeError) as error:
        raise AgentError(f"{name}: {error}") from error


_FILES = sorted(
    (file for file in files(__package__).iterdir() if file.name.endswith(".toml")), key=lambda file: file.name
)

AGENTS = {agent.type: agent for agent in (_read(file.name, file.read_text("utf-8")) for file in _FILES)}
