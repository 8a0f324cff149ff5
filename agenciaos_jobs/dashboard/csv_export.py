"""A month's reports as a spreadsheet that a Brazilian Excel opens with a double click.

Excel reads UTF-8 only after a byte order mark, and with Brazilian settings takes ``;`` between the columns and a comma
for decimals. A text that begins like a formula would be one: it gets an apostrophe before it.
"""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

from agenciaos_jobs.dashboard.formatting import Speech
from agenciaos_jobs.reports.store.monthly_reports import Report

_FORMULA = ("=", "+", "-", "@", "|", "%")


def as_sheet(reports: Iterable[Report], says: Speech) -> bytes:
    """One line an agency, under the names of the columns."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow(_columns(says))
    writer.writerows(map(_line, reports))
    return file.getvalue().encode("utf-8-sig")


def harmless(text: str) -> str:
    """The text as one that no spreadsheet takes for a formula."""
    flat = " ".join(text.split())
    return f"'{flat}" if flat.startswith(_FORMULA) else flat


def _columns(says: Speech) -> list[str]:
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


def _line(report: Report) -> list[str]:
    return [
        f"{report.month:%m/%Y}",
        harmless(report.agency_name or ""),
        harmless(report.agency_id),
        *(_number(value, 2) for value in (report.revenue, report.expenses, report.profit)),
        *(
            _percent(value)
            for value in (report.margin, report.revenue_change, report.expenses_change, report.profit_change)
        ),
        _number(report.recurring_revenue, 2),
        str(report.ai_generations),
        _number(report.ai_cost, 4),
    ]


def _number(value: Decimal, places: int) -> str:
    return f"{value:.{places}f}".replace(".", ",")


def _percent(value: Decimal | None) -> str:
    return "" if value is None else f"{_number(value * 100, 2)}%"
