"""Group commit: calls made during a write share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class GroupCommit(Generic[T, R]):
    """Batches single calls of ``write``, which takes a list and returns a result for each item, in order.

    There is no timer: a call is written at once when no write is under way. A batch that fails is retried item by
    item, so that a bad item fails alone. Errors in ``not_retried`` would fail each item too, and fail the whole batch.
    A batch holds up to ``max_batch`` items.
    """

    def __init__(
        self,
        write: Callable[[list[T]], Awaitable[Sequence[R]]],
        *,
        max_batch: int = 500,
        not_retried: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._write, self._max_batch, self._not_retried = write, max_batch, not_retried
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Writes the item; returns its result or raises its error."""
        return await self.put(item)

    def put(self, item: T) -> "asyncio.Future[R]":
        """Adds the item without waiting for it."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        return future

    async def flush(self) -> None:
        """Waits until all submitted items have been written."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]
            if not await self._written(batch):
                for pair in batch:
                    await self._written([pair])

    async def _written(self, batch: list[tuple[T, "asyncio.Future[R]"]]) -> bool:
        """Writes a batch and resolves its futures; ``False`` if the items are to be retried one by one."""
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - every error is passed on to the callers
            if len(batch) > 1 and not isinstance(error, self._not_retried):
                return False
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return True
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
        return True
