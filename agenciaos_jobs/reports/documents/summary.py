"""A report in a few fields, as AgênciaOS's own job returned it. Its numbers are JSON numbers, as JavaScript's were."""

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.reports.store.revisions import Revision


def summary(report: Revision) -> Json:
    """``totalAIUsage`` counts generations; money is in reais."""
    figures = report.figures
    return {
        "agencyId": report.agency_id,
        "agencyName": report.agency_name,
        "plan": figures.plan,
        "totalRevenue": float(figures.revenue),
        "totalExpenses": float(figures.expenses),
        "profit": float(figures.profit),
        "totalAIUsage": figures.ai_generations,
        "month": report.month.number,
        "year": report.month.year,
    }
