"""Assembles the HTTP server."""

from collections.abc import AsyncIterator

import uvloop
from aiohttp import web

from agenciaos_jobs.core.clock import Clock
from agenciaos_jobs.engine.changes import Changes
from agenciaos_jobs.settings import Settings
from agenciaos_jobs.web import body, health, keys, management, openapi, trigger
from agenciaos_jobs.web.middleware import observe
from agenciaos_jobs.wiring import Base, open_base


def create_app(settings: Settings, clock: Clock | None = None) -> web.Application:
    """The application; it connects when it starts and disconnects when it stops."""
    assert settings.trigger_secret_key

    async def connected(app: web.Application) -> AsyncIterator[None]:
        async with open_base(settings, clock) as base:
            _furnish(app, base)
            yield

    app = web.Application(middlewares=[observe], client_max_size=body.MAX_BODY)
    app[keys.SECRET_KEY] = settings.trigger_secret_key.get_secret_value()
    app[keys.BODY_TIMEOUT] = settings.body_timeout
    app.cleanup_ctx.append(connected)
    app.on_shutdown.append(_end_watches)
    operations = [*trigger.OPERATIONS, *management.OPERATIONS, *health.OPERATIONS]
    for operation in [*operations, openapi.operation(operations)]:
        operation.add_to(app)
    return app


def _furnish(app: web.Application, base: Base) -> None:
    app[keys.CHANGES] = Changes(base.app.database, base.app.clock)
    app[keys.INTAKE] = base.intake
    app[keys.CONTROL] = base.control
    app[keys.CLOCK] = base.app.clock
    app[keys.DATABASE] = base.app.database
    app[keys.QUEUE] = base.queue


async def _end_watches(app: web.Application) -> None:
    """Answers those who wait for changes, so that no open request holds the shutdown up."""
    await app[keys.CHANGES].close()


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what it is answering."""
    web.run_app(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=None,
        print=None,
        handle_signals=True,
        shutdown_timeout=settings.shutdown_grace,
        loop=uvloop.new_event_loop(),
    )
