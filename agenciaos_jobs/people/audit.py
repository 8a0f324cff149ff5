"""The audit: who did what, to what, when and from where."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Database, DatabaseUnavailableError
from agenciaos_jobs.foundation.errors import DomainError
from agenciaos_jobs.people.store import audit as stored
from agenciaos_jobs.people.store.audit import Act, Outcome


@dataclass
class Result:
    """What came of an act; ``led_to`` may have a text for each subject."""

    outcome: Outcome = "done"
    led_to: Sequence[str] = ()


class Audit:
    """Records what people do: the act before it is done, its result after."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    @asynccontextmanager
    async def recorded(self, act: Act) -> AsyncIterator[Result]:
        """Records ``act``, and what came of it once the block ends. Nothing is done that could not be recorded.

        The block may set the result; an error that it raises is one of itself. A result that cannot be written because
        the database is away is left out, because the act has happened.
        """
        ids, result = await stored.begin(self._database, act, self._clock.now()), Result()
        try:
            yield result
        except DomainError as error:
            result.outcome = "refused" if error.status < 500 else "failed"
            raise
        except BaseException:
            result.outcome = "failed"
            raise
        finally:
            led_to = [*result.led_to, *[""] * len(ids)][: len(ids)]
            with suppress(DatabaseUnavailableError):
                await stored.finish(self._database, ids, result.outcome, led_to, self._clock.now())
