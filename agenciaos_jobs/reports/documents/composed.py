"""A report put together from what is stored: its own figures, those of the month before, and a model's sentences."""

from dataclasses import dataclass

from agenciaos_jobs.foundation.database import Executor
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.month import Month
from agenciaos_jobs.reports.documents.sections import View
from agenciaos_jobs.reports.documents.view import view
from agenciaos_jobs.reports.numbers.figures import Figures
from agenciaos_jobs.reports.store import insights, revisions
from agenciaos_jobs.reports.store.revisions import Revision


@dataclass(frozen=True)
class Composed:
    """A report with everything that its documents show."""

    report: Revision
    before: Figures | None
    insights: tuple[str, ...]

    def view(self, fmt: Formatter) -> View:
        return view(self.report, self.before, fmt, self.insights)

    def etag(self, *variants: str) -> str:
        """Identifies a document of the revision (RFC 9110 section 8.8.3)."""
        parts = (str(self.report.month), str(self.report.revision), *variants, *(["ai"] if self.insights else []))
        return f'"{"-".join(parts)}"'

    def file_name(self, extension: str) -> str:
        """In ASCII, because HTTP headers are."""
        name = "".join(
            char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in self.report.agency_id
        )
        return f"relatorio-{self.report.month}-{name[:60]}.{extension}"


async def compose(executor: Executor, agency_id: str, month: Month) -> Composed | None:
    """The current revision of a report; ``None`` if there is none."""
    report = await revisions.current(executor, agency_id, month)
    if report is None:
        return None
    before = await revisions.current(executor, agency_id, month.previous)
    written = await insights.of_report(executor, report)
    return Composed(report, before.figures if before else None, tuple(written or ()))
