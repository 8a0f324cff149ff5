"""Runs that wait to begin, because something that all of them need is not to be had for the moment."""

from collections.abc import Sequence
from datetime import datetime

from agenciaos_jobs.engine.model.job import Json, Waiting
from agenciaos_jobs.engine.model.run import QueuedRun
from agenciaos_jobs.foundation.database import Connection
from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)


def waiting_as_json(waiting: Waiting) -> Json:
    """What is stored with the run."""
    return {"key": waiting.key, "pt": waiting.reason.pt, "en": waiting.reason.en}


async def release(connection: Connection, key: str, due_ats: Sequence[datetime]) -> list[QueuedRun]:
    """Lets the runs that have waited longest for ``key`` begin, one at each of these times; returns them."""
    records = await connection.fetch(QUERIES["release"], key, list(due_ats))
    return [QueuedRun(**record) for record in records]


async def restate(connection: Connection, waiting: Waiting) -> None:
    """Changes the reason that the waiting runs of a key show."""
    await connection.execute(QUERIES["restate"], waiting.key, waiting_as_json(waiting))
