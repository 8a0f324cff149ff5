"""Sentences that a model wrote about a report."""

from datetime import datetime

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.sql import load
from agenciaos_jobs.reports.store.revisions import Revision

QUERIES = load(__name__)


async def of_report(executor: Executor, report: Revision) -> list[str] | None:
    """The sentences about this revision; ``None`` if none were requested yet."""
    values = (report.agency_id, report.month.first_day, report.revision)
    found: list[str] | None = await executor.fetchval(QUERIES["of_report"], *values)
    return found


async def keep(executor: Executor, report: Revision, sentences: list[str], now: datetime) -> None:
    values = (report.agency_id, report.month.first_day, report.revision, sentences, now)
    await executor.execute(QUERIES["keep"], *values)
