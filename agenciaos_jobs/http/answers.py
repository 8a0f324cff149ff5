"""Response models that several endpoints share."""

from pydantic import BaseModel


class TriggerAnswer(BaseModel):
    """The response to a trigger. ``isCached`` marks a run that an earlier call with the same key had started."""

    success: bool = True
    jobId: str  # noqa: N815
    message: str
    isCached: bool | None = None  # noqa: N815
