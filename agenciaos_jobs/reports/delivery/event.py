"""The webhook event ``report.generated``: a report as JSON, and where its documents are."""

from urllib.parse import quote

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.reports.documents.as_json import monthly_report
from agenciaos_jobs.reports.documents.summary import summary
from agenciaos_jobs.reports.store.revisions import Revision

KIND = "report.generated"


def event_id(report: Revision, request: str) -> str:
    """The same for each attempt at one revision, so that a receiver takes it once; another for each ``request``."""
    return "_".join(filter(None, ("report", report.agency_id, str(report.month), str(report.revision), request)))


def event(report: Revision, public_url: str | None) -> Json:
    """The event's ``data``. The documents need the key, or a public token with ``read:reports:<agencyId>``."""
    base = f"{public_url or ''}/api/reports/{quote(report.agency_id, safe='')}/{report.month}"
    return {
        **summary(report),
        "report": monthly_report(report).model_dump(mode="json", by_alias=True),
        "urls": {"json": base, **{kind: f"{base}.{kind}" for kind in ("pdf", "xlsx", "csv")}},
    }
