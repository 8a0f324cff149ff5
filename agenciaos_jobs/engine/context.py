"""The contexts that jobs are called with."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic

from structlog.typing import FilteringBoundLogger
from typing_extensions import TypeVar

from agenciaos_jobs.engine.model.job import FailureHook, Json
from agenciaos_jobs.engine.model.run import ClaimedRun, TriggerResult
from agenciaos_jobs.engine.threads import AttemptThreads
from agenciaos_jobs.foundation.clock import Clock
from agenciaos_jobs.foundation.database import Connection, Database

if TYPE_CHECKING:
    from agenciaos_jobs.engine.intake import Intake
    from agenciaos_jobs.engine.store.wait_tokens import WaitToken
    from agenciaos_jobs.engine.wait_tokens import WaitTokens

Logger = FilteringBoundLogger

T = TypeVar("T")
U = TypeVar("U", default=None)


@dataclass(frozen=True)
class Stream:
    """A stream of a run, which ``streams.read`` of Trigger.dev's SDK and its React hooks follow.

    ``write(chunk)`` appends a chunk, any JSON value of at most 100 kB, from any thread. Chunks are readable after about
    0.1 s and for a day. A new attempt appends to what earlier ones wrote. Raises ``ValueError`` for a chunk too large.
    """

    name: str
    write: Callable[[Any], None]


@dataclass(frozen=True)
class JobContext(Generic[U]):
    """The services available to a job.

    ``clock`` is the source of time and ids, ``database`` is the pool, and ``uses`` is an instance of the class that the
    job names in ``Job(uses=…)``.
    """

    clock: Clock
    database: Database
    uses: U


@dataclass(frozen=True)
class RunContext(JobContext[U]):
    """The context of one run.

    ``run`` is the claimed run and ``log`` a logger whose lines are stored with it. ``stream(name)`` opens a
    :class:`Stream`; it raises ``ValueError`` for a name that is empty, longer than 128 characters or contains ``/``.
    """

    run: ClaimedRun
    log: Logger
    stream: Callable[[str], Stream]
    intake: "Intake"
    wait_tokens: "WaitTokens"
    threads: AttemptThreads
    failure_hooks: list[FailureHook] = field(default_factory=list)

    def on_failure(self, effect: FailureHook) -> None:
        """Has ``effect(connection, error_code)`` called in the transaction that ends this attempt unsuccessfully.

        A later call replaces it.
        """
        self.threads.check()
        self.failure_hooks[:] = [effect]

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the worker's event loop, for code in a thread; returns its result or raises its error.

        ``context.call(context.database.fetchrow(…))``. Once the attempt has ended, because the run was cancelled, ran
        out of time or was handed back, this and ``log`` raise ``asyncio.CancelledError`` in a thread.
        """
        return self.threads.call(work)

    async def create_wait_token(self, name: str, *, timeout: timedelta | None = None) -> "WaitToken":  # noqa: ASYNC109
        """Creates a token that a person or another system completes; the same ``name`` returns the run's same one.

        It is completed with ``wait.completeToken`` of Trigger.dev's SDK or by a POST to its own URL. It times out
        after ``timeout``, which begins now; never, without one.
        """
        token, _ = await self.wait_tokens.create(timeout=timeout, tags=(self.run.id,), key=f"{self.run.id}:{name}")
        return token

    async def wait_for_token(self, token_id: str, timeout: timedelta | None = None) -> Any:  # noqa: ASYNC109
        """Waits until the token is completed; returns what it was completed with, any JSON value.

        The run holds no slot meanwhile: this call raises ``Snooze``, and the job is called again from its beginning
        once the token was completed or the time is over. What the job does before this call must bear repetition.
        Waiting counts against ``max_duration``. ``timeout`` begins with the run's first call for this token. Raises
        :class:`TokenTimedOutError` when the token or ``timeout`` has timed out, and ``UnknownTokenError``.
        """
        return await self.wait_tokens.result(token_id, self.run.id, timeout)

    async def trigger_in(self, connection: Connection, task: str, payload: Json, **options: Any) -> TriggerResult:
        """Triggers a run of another job in the caller's transaction: the run exists only if that commits.

        ``options`` are :class:`~agenciaos_jobs.engine.model.run.NewRun`'s fields, such as ``idempotency_key``,
        ``delay`` or ``tags``. The run is enqueued right after the commit and belongs to the same trace. If the
        idempotency key is in use, the result is the run that holds it. Raises ``UnknownJobError`` for an unknown task,
        and pydantic's ``ValidationError`` for an invalid payload.
        """
        return await self.intake.trigger_in(connection, task, payload, **self._child_options | options)

    async def trigger_all_in(
        self, connection: Connection, task: str, items: Iterable[tuple[Json, Json]], **options: Any
    ) -> list[TriggerResult]:
        """Triggers many runs of one job in one statement; ``items`` are payloads, each with its own options."""
        return await self.intake.trigger_all_in(connection, task, items, **self._child_options | options)

    @property
    def _child_options(self) -> Json:
        """What marks a run as triggered by this one."""
        return {"source": self.run.task, "parent_id": self.run.id}
