"""What one would write by hand: an aiohttp handler that validates with pydantic and calls arq's enqueue_job."""

import os
from typing import Any

import uvloop
from aiohttp import web
from arq.connections import RedisSettings, create_pool
from pydantic import BaseModel


class Trigger(BaseModel):
    type: str
    payload: dict[str, Any] = {}
    delay: str | None = None


async def trigger(request: web.Request) -> web.Response:
    body = Trigger.model_validate(await request.json())
    job = await request.app["redis"].enqueue_job(body.type, body.payload, _defer_by=86_400)
    return web.json_response({"success": True, "jobId": job.job_id, "message": "ok"})


async def connect(app: web.Application) -> None:
    app["redis"] = await create_pool(RedisSettings.from_dsn(os.environ["REDIS_URL"]))


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/api/trigger", trigger)
    app.on_startup.append(connect)
    web.run_app(
        app, port=int(os.environ["PORT"]), host="127.0.0.1", access_log=None, print=None, loop=uvloop.new_event_loop()
    )
