"""An attempt under way in this process."""

import asyncio
from dataclasses import dataclass
from typing import Any

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.run import ClaimedRun


@dataclass
class Running:
    """An attempt under way in this process.

    ``is_recording``: its code has returned, or is no longer waited for, and its outcome is being written.
    ``stop_code`` is why this worker cancelled it, if it did.
    """

    run: ClaimedRun
    context: RunContext[Any]
    task: asyncio.Task[Any]
    is_recording: bool = False
    stop_code: str | None = None

    @property
    def attempt(self) -> tuple[str, int]:
        """The run's id and the number of the attempt."""
        return self.run.id, self.run.attempt

    def stop(self, code: str) -> None:
        """Cancels the attempt, because the worker stops (``HANDED_BACK``) or no longer owns it (``REVOKED``)."""
        self.stop_code = code
        self.task.cancel()
