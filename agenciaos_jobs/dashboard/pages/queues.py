"""Queues and workers: what waits and executes; pause and resume a queue, drain a worker."""

import structlog
from aiohttp import web

from agenciaos_jobs.dashboard.page import Page, form, redirect
from agenciaos_jobs.dashboard.rendering import SESSION, render
from agenciaos_jobs.dashboard.store import queues
from agenciaos_jobs.dashboard.store.queues import QueueFigures
from agenciaos_jobs.engine.store import workers
from agenciaos_jobs.engine.store.queues import TASK, QueueState
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.http.keys import CLOCK, DATABASE, LONG_READS, QUEUE_ADMIN
from agenciaos_jobs.http.problems import RequestError

log = structlog.get_logger("agenciaos_jobs.dashboard")

PAGE = 100

_UNKNOWN_WORKER = Text("Worker não encontrado, ou antigo demais para drenar", "No such worker, or one too old to drain")


async def show_queues(request: web.Request) -> web.StreamResponse:
    now, database, wanted = request.app[CLOCK].now(), request.app[LONG_READS], request.query.get("q", "").strip()
    figures = await queues.figures(database, now)
    found = [
        (queue, figures.get(queue.name, QueueFigures(queue.name)))
        for queue in await request.app[QUEUE_ADMIN].all()
        if wanted.lower() in queue.name.lower()
    ]
    found.sort(key=_urgency)
    return render(
        request,
        "queues.html",
        rows=found[:PAGE],
        more=len(found) - PAGE,
        workers=await queues.workers(database, now),
        prefix=TASK,
        now=now,
        done=request.query.get("done"),
    )


def _urgency(row: tuple[QueueState, QueueFigures]) -> tuple[bool, int, bool, str]:
    """The order of the list: paused queues, then those with the most waiting runs, then those of tasks, by name."""
    queue, figures = row
    return queue.paused_at is None, -figures.waiting, not queue.name.startswith(TASK), queue.name


async def pause(request: web.Request) -> web.StreamResponse:
    await request.app[QUEUE_ADMIN].pause((await form(request)).get("queue", ""), request[SESSION].user)
    return redirect("/queues?done=paused")


async def resume(request: web.Request) -> web.StreamResponse:
    await request.app[QUEUE_ADMIN].resume((await form(request)).get("queue", ""))
    return redirect("/queues?done=resumed")


async def drain(request: web.Request) -> web.StreamResponse:
    worker_id, now, user = request.match_info["worker_id"], request.app[CLOCK].now(), request[SESSION].user
    if not await workers.drain(request.app[DATABASE], worker_id, now, user):
        raise RequestError(404, _UNKNOWN_WORKER)
    log.info("worker_drain_requested", worker_id=worker_id, draining=True, by=user)
    return redirect("/queues?done=drained")


async def end_drain(request: web.Request) -> web.StreamResponse:
    worker_id, user = request.match_info["worker_id"], request[SESSION].user
    if not await workers.end_drain(request.app[DATABASE], worker_id):
        raise RequestError(404, _UNKNOWN_WORKER)
    log.info("worker_drain_requested", worker_id=worker_id, draining=False, by=user)
    return redirect("/queues?done=used")


PAGES = [
    Page("GET", "/queues", show_queues),
    Page("POST", "/queues/pause", pause, detail=("queue",)),
    Page("POST", "/queues/resume", resume, detail=("queue",)),
    Page("POST", "/queues/workers/{worker_id}/drain", drain),
    Page("POST", "/queues/workers/{worker_id}/end-drain", end_drain),
]
