"""``/metrics`` and ``/healthz`` of a worker: what is true of this process alone.

What workers count of runs is added up and told by the servers, so that nothing is counted twice.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from agenciaos_jobs.engine.worker.dispatcher import Dispatcher
from agenciaos_jobs.foundation import metrics
from agenciaos_jobs.foundation.database import Database


@asynccontextmanager
async def serve_worker_metrics(
    database: Database, dispatcher: Dispatcher, host: str, port: int | None
) -> AsyncIterator[None]:
    """Answers at ``port``, where there is one. Raises ``OSError`` where it is taken."""
    watch = asyncio.create_task(metrics.watch_loop())
    runner = web.AppRunner(_app(database, dispatcher), access_log=None)
    try:
        if port is not None:
            await runner.setup()
            await web.TCPSite(runner, host, port).start()
        yield
    finally:
        watch.cancel()
        await runner.cleanup()


def _app(database: Database, dispatcher: Dispatcher) -> web.Application:
    async def show(_: web.Request) -> web.Response:
        slots = {
            "agenciaos_worker_slots": (
                "Runs that this worker can execute at once (WORKER_MAX_JOBS).",
                dispatcher.slots,
            ),
            "agenciaos_worker_slots_busy": ("Runs that it executes.", dispatcher.busy),
        }
        present = metrics.Present({**slots, **metrics.connections(*database.usage())})
        text = metrics.text(metrics.PROCESS, present=[present])
        return web.Response(body=text, headers={"Content-Type": metrics.CONTENT_TYPE})

    async def alive(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.add_routes([web.get("/metrics", show), web.get("/healthz", alive)])
    return app
