"""Batches: many runs triggered by one call, stored atomically."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from agenciaos_jobs.engine.intake import Condition, Intake, first_of_each
from agenciaos_jobs.engine.model.run import NewRun
from agenciaos_jobs.engine.store import batches, idempotency, runs
from agenciaos_jobs.engine.store.batches import Batch, BatchItem
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database
from agenciaos_jobs.foundation.errors import DomainError, InvalidFieldsError, WrongField
from agenciaos_jobs.foundation.i18n.text import Text

log = structlog.get_logger("agenciaos_jobs.batches")


class UnknownBatchError(DomainError):
    """There is no batch with this id."""

    status = 404
    text = Text("Lote não encontrado", "Batch not found")


@dataclass(frozen=True)
class Added:
    """A batch after items were added: all its items, and how many of the added ones were repeats."""

    batch: Batch
    items: list[BatchItem]
    repeated: int

    @property
    def is_sealed(self) -> bool:
        return len(self.items) >= self.batch.run_count


class Batches:
    """Creates batches and adds their items. Adding is idempotent by an item's position."""

    def __init__(self, database: Database, intake: Intake, clock: Clock) -> None:
        self._database, self._intake, self._clock = database, intake, clock

    async def create(
        self, run_count: int, *, key: str | None, shown_key: str | None = None, ttl: timedelta | None = None
    ) -> tuple[Batch, bool]:
        """Creates a batch whose items follow, or finds the one with ``key``; and whether that one is sealed.

        ``shown_key`` is the key as the caller wrote it.
        """
        async with self._database.transaction() as connection:
            batch, is_new = await self._get_or_create(connection, run_count, key, ttl, shown_key)
        return batch, not is_new and batch.sealed_at is not None

    async def add(self, batch_id: str, new: Mapping[int, NewRun], *, condition: Condition | None = None) -> Added:
        """Adds the items that are not in the batch yet.

        Raises :class:`UnknownBatchError`, or :class:`InvalidFieldsError` for an item beyond the batch's ``run_count``.
        """
        stored: dict[str, NewRun] = {}
        async with self._database.transaction() as connection:
            if condition:
                await condition(connection)
            batch = await batches.hold(connection, batch_id)
            if batch is None:
                raise UnknownBatchError(batch_id)
            _require_room(batch, new)
            added = await self._add(connection, batch, new, stored)
        self._send(stored)
        return added

    async def trigger(
        self,
        new: Mapping[int, NewRun],
        *,
        key: str | None,
        shown_key: str | None = None,
        ttl: timedelta | None = None,
        condition: Condition | None = None,
    ) -> tuple[Added, bool]:
        """Creates a batch with all its items, or finds the one with ``key``; and whether it existed before."""
        stored: dict[str, NewRun] = {}
        async with self._database.transaction() as connection:
            if condition:
                await condition(connection)
            batch, is_new = await self._get_or_create(connection, len(new), key, ttl, shown_key)
            if not is_new:
                return Added(batch, await batches.items(connection, batch.id), repeated=len(new)), True
            added = await self._add(connection, batch, new, stored)
        self._send(stored)
        return added, False

    async def get(self, batch_id: str) -> tuple[Batch, list[BatchItem], batches.Progress]:
        """A batch, its items and the progress of their runs. Raises :class:`UnknownBatchError`."""
        batch = await batches.get(self._database, batch_id)
        if batch is None:
            raise UnknownBatchError(batch_id)
        return batch, await batches.items(self._database, batch_id), await batches.progress(self._database, batch_id)

    async def _get_or_create(
        self, connection: Connection, run_count: int, key: str | None, ttl: timedelta | None, shown_key: str | None
    ) -> tuple[Batch, bool]:
        while True:
            now = self._clock.now()
            batch = Batch(self._clock.new_id("batch"), run_count, shown_key, now, None)
            if await batches.insert(connection, batch, key, now + (ttl or timedelta(days=30))):
                return batch, True
            if key and (earlier := await batches.with_key(connection, key)):
                return earlier, False

    async def _add(
        self, connection: Connection, batch: Batch, new: Mapping[int, NewRun], stored: dict[str, NewRun]
    ) -> Added:
        """Inserts all items with one statement, and one more for each round of keys that expired meanwhile."""
        present = await batches.items(connection, batch.id)
        known = {item.position for item in present}
        waiting = {
            position: (self._clock.new_id("run"), self._intake.with_limit(run)._replace(batch_id=batch.id))
            for position, run in new.items()
            if position not in known
        }
        added: list[BatchItem] = []
        while waiting:
            taken_in = await self._store(connection, waiting, stored)
            added += taken_in
            waiting = {
                position: waiting[position] for position in waiting.keys() - {item.position for item in taken_in}
            }
        await batches.add_items(connection, batch.id, added)
        items = sorted([*present, *added], key=lambda item: item.position)
        if len(items) >= batch.run_count and batch.sealed_at is None:
            await batches.seal(connection, batch.id, self._clock.now())
        return Added(batch, items, repeated=len(new.keys() & known))

    async def _store(
        self, connection: Connection, waiting: Mapping[int, tuple[str, NewRun]], stored: dict[str, NewRun]
    ) -> list[BatchItem]:
        """The items that have a run now: a new one, or the one that holds their idempotency key."""
        made = await runs.insert(connection, first_of_each(list(waiting.values())), self._clock.now())
        stored |= {run_id: run for run_id, run in waiting.values() if run_id in made}
        held = {position: run for position, (run_id, run) in waiting.items() if run_id not in made}
        keys = {position: (run.task, run.idempotency_key) for position, run in held.items() if run.idempotency_key}
        holders = await idempotency.holders(connection, keys.values()) if keys else {}
        return [
            *(BatchItem(position, run_id, False) for position, (run_id, _) in waiting.items() if run_id in made),
            *(BatchItem(position, holders[key].run_id, True) for position, key in keys.items() if key in holders),
        ]

    def _send(self, stored: Mapping[str, NewRun]) -> None:
        now = self._clock.now()
        for run_id, run in stored.items():
            self._intake.send(run_id, run, now)
        log.debug("batch_accepted", runs=len(stored))


def _require_room(batch: Batch, positions: Iterable[int]) -> None:
    last = batch.run_count - 1
    beyond = sorted(position for position in positions if position > last)
    if beyond:
        english = f"Input should be less than or equal to {last}"
        fields = [WrongField(("items", n, "index"), "less_than_equal", english, {"le": last}) for n in beyond]
        raise InvalidFieldsError(fields=fields)
