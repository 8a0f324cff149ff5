"""The agents by their names: the package's own, and those of the operator's folder."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from agenciaos_jobs.ai_content.agents.agent import Agent, AgentError

AGENTS: dict[str, Agent] = {}
"""Every agent by its type, such as ``META_ADS_COPY``."""

_BY_NAME: dict[str, Agent] = {}


def find(name: str) -> Agent | None:
    """The agent of a type or a slug, in any case."""
    return _BY_NAME.get(_folded(name))


def add_folder(folder: Path | None) -> None:
    """Adds the agents of an operator's folder; one with the type of ours replaces it.

    Raises :class:`AgentError` for a folder or a file that cannot be used, naming it.
    """
    if folder is None:
        return
    if not folder.is_dir():
        raise AgentError(f"AGENTS_DIR: {folder} is no folder")
    for file in sorted(folder.rglob("*.toml")):
        agent = _read(file)
        try:
            agent.verify()
        except AgentError as error:
            raise AgentError(f"AGENTS_DIR: {file.name}: {error}") from error
        _add(agent)


def _add(agent: Agent) -> None:
    for name in (agent.type, agent.slug):
        taken = _BY_NAME.get(_folded(name))
        if taken and taken.type != agent.type:
            raise AgentError(f"{agent.type}: {name!r} is a name of {taken.type} already")
    AGENTS[agent.type] = agent
    _BY_NAME.update(dict.fromkeys((_folded(agent.type), _folded(agent.slug)), agent))


def _folded(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _read(file: Traversable) -> Agent:
    try:
        return Agent.from_file(tomllib.loads(file.read_text("utf-8")))
    except (AgentError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AgentError(f"{file.name}: {error}") from error


def _packaged(folder: Traversable) -> Iterator[Traversable]:
    """The package's files, family by family."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _packaged(entry)
        elif entry.name.endswith(".toml"):
            yield entry


for _file in _packaged(files(__package__)):
    _add(_read(_file))
