"""The resources that a request reads, by the names that a public token's scopes may cover."""

from collections.abc import Collection

from aiohttp import web

from agenciaos_jobs.engine.store import history
from agenciaos_jobs.http.keys import DATABASE


async def of_run(request: web.Request) -> Collection[str]:
    """A run's id, tags, task and batch."""
    run_id = request.match_info["run_id"]
    run = await history.get(request.app[DATABASE], run_id)
    if run is None:
        return {f"runs:{run_id}"}
    names = {f"runs:{run_id}", f"tasks:{run.task}", *(f"tags:{tag}" for tag in run.tags)}
    return names | ({f"batch:{run.batch_id}"} if run.batch_id else set())


async def of_batch(request: web.Request) -> Collection[str]:
    return {f"batch:{request.match_info['batch_id']}"}


async def of_list(request: web.Request) -> Collection[str]:
    """What all runs of a list have in common: each filter with a single value."""
    names = set()
    for name, kind in _FILTERS.items():
        values = [value.strip() for value in request.query.get(name, "").split(",") if value.strip()]
        if len(values) == 1:
            names.add(f"{kind}:{values[0]}")
    return names


async def of_tags(request: web.Request) -> Collection[str]:
    """Each of the tags: every run of the subscription has all of them."""
    return {f"tags:{tag}" for tag in requested_tags(request)}


def requested_tags(request: web.Request) -> tuple[str, ...]:
    """The query's ``tags``, separated by commas."""
    return tuple(dict.fromkeys(tag for tag in request.query.get("tags", "").split(",") if tag))


_FILTERS = {"filter[taskIdentifier]": "tasks", "filter[tag]": "tags", "filter[batch]": "batch"}
