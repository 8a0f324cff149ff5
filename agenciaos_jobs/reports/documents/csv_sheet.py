"""A month's reports as a CSV file that Excel with Brazilian settings opens by a double click.

Such an Excel reads UTF-8 only after a byte order mark, and expects ``;`` as the separator and a decimal comma. A text
that begins like a formula gets an apostrophe before it, so that it is not executed.
"""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.store.monthly_reports import Report

BOM = codecs.BOM_UTF8

_FORMULA = ("=", "+", "-", "@", "|", "%")
"""What begins a formula, after compatibility normalization: Excel takes full-width signs for the ASCII ones."""


def as_sheet(reports: Iterable[Report], fmt: Formatter) -> bytes:
    """The file: a header, and one line per agency."""
    return BOM + lines([_columns(fmt), *(_line(report, fmt.now) for report in reports)])


def lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Lines of such a file, of which the first follows :data:`BOM`. Texts must be escaped by :func:`escape_formula`."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(rows)
    return file.getvalue().encode()


def escape_formula(text: str) -> str:
    """The text, escaped so that no spreadsheet takes it for a formula."""
    flat = " ".join("".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in text).split())
    return f"'{flat}" if is_formula(flat) else flat


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take the text for a formula."""
    visible = (char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char)[0] not in "CZ")
    return next(visible, "").startswith(_FORMULA)


def _columns(fmt: Formatter) -> list[str]:
    return [
        fmt.text("Mês", "Month"),
        fmt.text("Agência", "Agency"),
        fmt.text("Id da agência", "Agency id"),
        fmt.text("Receitas (R$)", "Revenue (R$)"),
        fmt.text("Despesas (R$)", "Expenses (R$)"),
        fmt.text("Lucro (R$)", "Profit (R$)"),
        fmt.text("Margem", "Margin"),
        fmt.text("Variação das receitas", "Change of revenue"),
        fmt.text("Variação das despesas", "Change of expenses"),
        fmt.text("Variação do lucro", "Change of profit"),
        fmt.text("Receita recorrente (R$)", "Recurring revenue (R$)"),
        fmt.text("Gerações de IA", "AI generations"),
        fmt.text("Custo de IA (US$)", "AI cost (US$)"),
    ]


def _line(report: Report, now: datetime) -> list[str]:
    excel = Formatter("pt", now)
    return [
        f"{report.month:%m/%Y}",
        escape_formula(report.agency_name or ""),
        escape_formula(report.agency_id),
        *(excel.plain(value, 2) for value in (report.revenue, report.expenses, report.profit)),
        *(
            "" if value is None else f"{excel.plain(value * 100, 2)}%"
            for value in (report.margin, report.revenue_change, report.expenses_change, report.profit_change)
        ),
        excel.plain(report.recurring_revenue, 2),
        str(report.ai_generations),
        excel.plain(report.ai_cost, 4),
    ]
