"""Background loops, and waiting for an event with a timeout."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

log = structlog.get_logger("agenciaos_jobs.rounds")


async def run_periodically(interval: timedelta, act: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Calls ``act`` every ``interval`` until ``stop``. A call that fails is logged and does not end the loop."""
    while not stop.is_set():
        try:
            await act()
        except Exception:
            log.exception("background_round_failed", act=getattr(act, "__qualname__", str(act)))
        await wait_for(stop, interval)


async def wait_for(event: asyncio.Event, max_wait: timedelta) -> bool:
    """Waits for the event; returns whether it was set within ``max_wait``.

    Unlike ``asyncio.wait_for`` before Python 3.12, it does not swallow a cancellation at the moment of the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(max_wait.total_seconds()):
            await event.wait()
    return event.is_set()
