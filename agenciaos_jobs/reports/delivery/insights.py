"""Three sentences of a model about a report (``REPORT_INSIGHTS=ai``), within the agency's limit of generations.

They are a run of ``generate-ai-content`` like any other; the delivery waits for it. Where it fails, as at the limit,
the report goes without.
"""

from datetime import timedelta

from agenciaos_jobs.engine.context import RunContext
from agenciaos_jobs.engine.model.job import Json, Snooze
from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.engine.store import history
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.documents.composed import Composed
from agenciaos_jobs.reports.resources import Reports
from agenciaos_jobs.reports.store import insights

AGENT = "MONTHLY_REPORT_INSIGHTS"

_POLL = timedelta(seconds=5)
_FINAL = {Status.FAILED, Status.CANCELED, Status.CRASHED, Status.EXPIRED, Status.TIMED_OUT, Status.SYSTEM_FAILURE}


async def require(context: RunContext[Reports], composed: Composed) -> None:
    """Returns once the sentences are stored; until then it snoozes the run."""
    report = composed.report
    if await insights.of_report(context.database, report) is not None:
        return
    request = {"agencyId": report.agency_id, "agentType": AGENT, "input": _input(composed, context)}
    key = f"report-insights:{report.agency_id}:{report.month}:{report.revision}"
    async with context.database.transaction() as connection:
        triggered = await context.trigger_in(connection, "generate-ai-content", request, idempotency_key=key)
    run = await history.get(context.database, triggered.run_id)
    if run is None or run.status in _FINAL:
        context.log.info("report_without_insights", month=str(report.month))
        await insights.keep(context.database, report, [], context.clock.now())
    elif run.status is Status.COMPLETED and run.output:
        await insights.keep(context.database, report, run.output["data"]["sentences"], context.clock.now())
    else:
        raise Snooze(_POLL)


def _input(composed: Composed, context: RunContext[Reports]) -> Json:
    shown = composed.view(Formatter("pt", composed.report.generated_at))
    numbers = [f"{card['label']}: {card['value']} {card['change']}".strip() for card in shown["cards"]]
    lists = [
        f"{each['title']}: " + "; ".join(f"{row['name']} {row['amount']} ({row['share']})" for row in each["rows"][:5])
        for each in shown["lists"]
    ]
    return {"resumo": " ".join(shown["sentences"]), "numeros": "\n".join([*numbers, *lists])}
