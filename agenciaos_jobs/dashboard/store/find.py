"""Suggestions for the filters of runs, and the views that operators have saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)

MAX_VIEWS = 100


@dataclass(frozen=True)
class SavedView:
    """Filters under a name, shared by all operators."""

    name: str
    filters: Mapping[str, str]


@dataclass(frozen=True)
class AgencyMatch:
    """An agency that a text may name; ``is_exact`` without regard to case and accents."""

    id: str
    name: str
    is_exact: bool


async def agencies(executor: Executor, text: str, limit: int) -> list[AgencyMatch]:
    """The agency with this id, then those with exactly this name, then those with a name that contains it."""
    return [AgencyMatch(**record) for record in await executor.fetch(QUERIES["agencies"], text, limit)]


async def tags(executor: Executor, beginning: str, limit: int) -> list[str]:
    """Tags of runs that begin with a text, by name."""
    return await _names(executor, "tags", beginning, limit)


async def queues(executor: Executor, beginning: str, limit: int) -> list[str]:
    """Queues that callers have named, and that begin with a text, by name."""
    return await _names(executor, "queues", beginning, limit)


async def _names(executor: Executor, query: str, beginning: str, limit: int) -> list[str]:
    names = [record["name"] for record in await executor.fetch(QUERIES[query], beginning, limit)]
    return [name for name in names if name.startswith(beginning)]


async def views(executor: Executor) -> list[SavedView]:
    return [SavedView(**record) for record in await executor.fetch(QUERIES["views"])]


async def save_view(executor: Executor, view: SavedView, now: datetime) -> bool:
    """Saves a view, in place of one with the same name; ``False`` if there are :data:`MAX_VIEWS` others."""
    values = (view.name, dict(view.filters), now, MAX_VIEWS)
    return await executor.fetchval(QUERIES["save_view"], *values) is not None


async def delete_view(executor: Executor, name: str) -> None:
    await executor.execute(QUERIES["delete_view"], name)
