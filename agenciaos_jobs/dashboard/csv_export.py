"""A month's reports as a spreadsheet that a Brazilian Excel opens with a double click.

Excel reads UTF-8 only after a byte order mark, and with Brazilian settings takes ``;`` between the columns and a comma
for decimals. A text that begins like a formula would be one: it gets an apostrophe before it.
"""

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.store.monthly_reports import Report

_FORMULA = ("=", "+", "-", "@", "|", "%")


def as_sheet(reports: Iterable[Report], says: Formatter) -> bytes:
    """One line an agency, under the names of the columns."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow(_columns(says))
    writer.writerows(_line(report, says.now) for report in reports)
    return file.getvalue().encode("utf-8-sig")


def harmless(text: str) -> str:
    """The text as one that no spreadsheet takes for a formula."""
    flat = " ".join(text.split())
    return f"'{flat}" if flat.startswith(_FORMULA) else flat


def _columns(says: Formatter) -> list[str]:
    return [
        says.text("Mês", "Month"),
        says.text("Agência", "Agency"),
        says.text("Id da agência", "Agency id"),
        says.text("Receitas (R$)", "Revenue (R$)"),
        says.text("Despesas (R$)", "Expenses (R$)"),
        says.text("Lucro (R$)", "Profit (R$)"),
        says.text("Margem", "Margin"),
        says.text("Variação das receitas", "Change of revenue"),
        says.text("Variação das despesas", "Change of expenses"),
        says.text("Variação do lucro", "Change of profit"),
        says.text("Receita recorrente (R$)", "Recurring revenue (R$)"),
        says.text("Gerações de IA", "AI generations"),
        says.text("Custo de IA (US$)", "AI cost (US$)"),
    ]


def _line(report: Report, now: datetime) -> list[str]:
    excel = Formatter("pt", now)
    return [
        f"{report.month:%m/%Y}",
        harmless(report.agency_name or ""),
        harmless(report.agency_id),
        *(excel.plain(value, 2) for value in (report.revenue, report.expenses, report.profit)),
        *(
            "" if value is None else f"{excel.plain(value * 100, 2)}%"
            for value in (report.margin, report.revenue_change, report.expenses_change, report.profit_change)
        ),
        excel.plain(report.recurring_revenue, 2),
        str(report.ai_generations),
        excel.plain(report.ai_cost, 4),
    ]
