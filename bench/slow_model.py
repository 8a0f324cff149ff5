"""A model that takes its time, two seconds give or take a quarter: ``python -m bench.slow_model PORT``."""

import asyncio
import random
import sys

import uvloop
from aiohttp import web

from agenciaos_jobs.dev import model

SECONDS = 2


async def respond(request: web.Request) -> web.Response:
    await request.read()
    await asyncio.sleep(random.uniform(0.75 * SECONDS, 1.25 * SECONDS))
    return await model.respond(request)


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/v1/responses", respond)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=uvloop.new_event_loop())
