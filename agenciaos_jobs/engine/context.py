"""What a job gets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from structlog.typing import FilteringBoundLogger
from typing_extensions import TypeVar

from agenciaos_jobs.engine.model.job import FailureHook, Json
from agenciaos_jobs.engine.model.run import ClaimedRun, TriggerResult
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database

if TYPE_CHECKING:
    from agenciaos_jobs.engine.intake import Intake

Logger = FilteringBoundLogger

U = TypeVar("U", default=None)


@dataclass(frozen=True)
class JobContext(Generic[U]):
    """The service as a job sees it.

    ``clock`` tells the time and makes ids, ``database`` is the pool, ``uses`` is what the job's wing opened: an
    instance of the class that the job names in ``Job(uses=…)``.
    """

    clock: Clock
    database: Database
    uses: U


@dataclass(frozen=True)
class RunContext(JobContext[U]):
    """The same for one run: ``run`` is the claimed run, ``log`` a logger whose lines are kept with it."""

    run: ClaimedRun
    log: Logger
    intake: "Intake"
    failure_hooks: list[FailureHook] = field(default_factory=list)

    def on_failure(self, effect: FailureHook) -> None:
        """Has ``effect(connection, error_code)`` called in the transaction that ends this attempt without success.

        The last one given wins.
        """
        self.failure_hooks[:] = [effect]

    async def trigger_in(self, connection: Connection, task: str, payload: Json, **options: Any) -> TriggerResult:
        """Triggers a run of another job in the caller's transaction: it exists if, and only if, that commits.

        ``options`` are :class:`~agenciaos_jobs.engine.model.run.NewRun`'s fields, such as ``idempotency_key``,
        ``delay`` or ``tags``. The run is sent right after the commit, and belongs to the same trace. Raises
        ``UnknownJobError`` for a task that no job has, and pydantic's ``ValidationError`` where the payload is not what
        it takes. With an idempotency key that is in use, the result is the run that has it.
        """
        return await self.intake.trigger_in(connection, task, payload, **{"source": self.run.task} | options)

    async def trigger_all_in(
        self, connection: Connection, task: str, items: Iterable[tuple[Json, Json]], **options: Any
    ) -> list[TriggerResult]:
        """The same for many runs in one statement; ``items`` are payloads, each with options of its own."""
        return await self.intake.trigger_all_in(connection, task, items, **{"source": self.run.task} | options)
