"""What is done again and again, until it is stopped, and the waiting in between."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

log = structlog.get_logger("agenciaos_jobs.rounds")


async def run_periodically(interval: timedelta, act: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Acts, waits and acts again; a round that fails is reported, and must not be the last one."""
    while not stop.is_set():
        try:
            await act()
        except Exception:
            log.exception("background_round_failed", act=getattr(act, "__qualname__", str(act)))
        await wait_for(stop, interval)


async def wait_for(event: asyncio.Event, within: timedelta) -> bool:
    """Waits for the event, and tells whether it came in time.

    A cancellation in the moment of the event ends the waiting too; before Python 3.12 ``asyncio.wait_for`` loses it.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within.total_seconds()):
            await event.wait()
    return event.is_set()
