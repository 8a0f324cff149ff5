"""A job that does what no job should: it blocks its worker's event loop, for longer than a lease."""

import time
from typing import Any

from pydantic import BaseModel

from agenciaos_jobs import Job, RunContext

SECONDS = 12


class Payload(BaseModel):
    pass


async def run(context: RunContext, payload: Payload) -> dict[str, Any]:
    time.sleep(SECONDS)  # noqa: ASYNC251 - the point of it
    return {"blocked": SECONDS}


JOB = Job("block-event-loop", Payload, run)
