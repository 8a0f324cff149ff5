"""Group commit: calls that come while a write is under way go together into the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class GroupCommit(Generic[T, R]):
    """Joins single calls of ``write``, which takes a list and returns a result for each item, in order.

    There is no timer: a call that finds nothing under way is written at once. A write of several items that fails is
    done again one by one, so that a bad item fails alone; ``passing`` names errors that would fail each of them too.
    """

    def __init__(
        self,
        write: Callable[[list[T]], Awaitable[Sequence[R]]],
        *,
        most: int = 500,
        passing: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._write, self._most, self._passing = write, most, passing
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """The item's result once it is written, or the error that it met."""
        return await self.put(item)

    def put(self, item: T) -> "asyncio.Future[R]":
        """Adds the item without waiting for it."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        return future

    async def flush(self) -> None:
        """Waits until what was put has been written."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            if not await self._written(batch):
                for pair in batch:
                    await self._written([pair])

    async def _written(self, batch: list[tuple[T, "asyncio.Future[R]"]]) -> bool:
        """Writes and settles; ``False`` where the items are to be tried one by one."""
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the callers
            if len(batch) > 1 and not isinstance(error, self._passing):
                return False
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return True
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
        return True
