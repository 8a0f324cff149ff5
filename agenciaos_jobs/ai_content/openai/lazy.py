"""Lazy initialization."""

import asyncio
import gc
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """A value that is created on first use, in a thread, and kept."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make_it = make
        self._making: asyncio.Task[T] | None = None

    async def get(self) -> T:
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)

    async def made(self) -> T | None:
        """The value, or ``None`` if it was never used or its creation failed."""
        if self._making is None:
            return None
        await asyncio.wait([self._making])
        return None if self._making.exception() else self._making.result()

    def _make(self) -> T:
        made = self._make_it()
        gc.freeze()  # as after start-up: the library's 80,000 objects would double the time of a full collection
        return made
