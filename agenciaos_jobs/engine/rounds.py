"""What is done again and again, until it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

log = structlog.get_logger("agenciaos_jobs.rounds")


async def every(interval: timedelta, act: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Acts, waits and acts again; a round that fails is reported, and must not be the last one."""
    while not stop.is_set():
        try:
            await act()
        except Exception:
            log.exception("background_round_failed", act=getattr(act, "__qualname__", str(act)))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval.total_seconds())
