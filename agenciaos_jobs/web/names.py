"""By which names public tokens may be given what a request reads."""

from collections.abc import Collection

from aiohttp import web

from agenciaos_jobs.storage import history
from agenciaos_jobs.web.keys import DATABASE


async def of_run(request: web.Request) -> Collection[str]:
    """A run answers to its id, its tags and its task."""
    run_id = request.match_info["run_id"]
    run = await history.get(request.app[DATABASE], run_id) if "\0" not in run_id else None
    if run is None:
        return {f"runs:{run_id}"}
    return {f"runs:{run_id}", f"tasks:{run.task}", *(f"tags:{tag}" for tag in run.tags)}


async def of_tags(request: web.Request) -> Collection[str]:
    """Runs that must have all of some tags answer to each of them."""
    return {f"tags:{tag}" for tag in asked_tags(request)}


def asked_tags(request: web.Request) -> tuple[str, ...]:
    """The query's ``tags``, separated by commas."""
    return tuple(tag for tag in request.query.get("tags", "").split(",") if tag)
