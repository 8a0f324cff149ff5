"""What is made when it is first needed."""

import asyncio
import gc
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """What is made when it is first needed, in a thread, and kept."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make_it = make
        self._making: asyncio.Task[T] | None = None

    async def get(self) -> T:
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)

    async def made(self) -> T | None:
        """What was made, ``None`` where it was never needed or could not be made."""
        if self._making is None:
            return None
        await asyncio.wait([self._making])
        return None if self._making.exception() else self._making.result()

    def _make(self) -> T:
        made = self._make_it()
        gc.freeze()  # as at the start: the library's 80,000 objects would make each full collection twice as long
        return made
