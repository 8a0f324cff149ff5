"""Answers that several doors give."""

from pydantic import BaseModel


class TriggerAnswer(BaseModel):
    """``jobId`` is the run's id; ``isCached`` says that an earlier call with the same key had started it."""

    success: bool = True
    jobId: str  # noqa: N815
    message: str
    isCached: bool | None = None  # noqa: N815
