"""A report as a workbook: real numbers and dates, and a sheet per section."""

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.documents.sections import line_name
from agenciaos_jobs.reports.documents.view import covered, notes, revision_in_words
from agenciaos_jobs.reports.numbers.figures import Figures, Line, growth, share
from agenciaos_jobs.reports.numbers.sentences import NO_CATEGORY
from agenciaos_jobs.reports.store.revisions import Revision

Cell = str | int | Decimal | date | None
Row = tuple[tuple[Cell, str], ...]
"""Values, each with the name of its format."""

_FORMATS: dict[str, dict[str, Any]] = {
    "head": {"bold": True, "bottom": 1, "bg_color": "#F5F4FA"},
    "text": {},
    "brl": {"num_format": '"R$" #,##0.00;[Red]-"R$" #,##0.00'},
    "usd": {"num_format": '"US$" #,##0.0000'},
    "share": {"num_format": "0.0%"},
    "count": {"num_format": "#,##0"},
    "month": {"num_format": "mm/yyyy", "align": "left"},
}


def xlsx(report: Revision, fmt: Formatter) -> bytes:
    """The workbook. Blocks for some milliseconds."""
    import xlsxwriter  # noqa: PLC0415 - only processes that make workbooks load it

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"title": f"{report.agency_name} · {report.month}", "author": "AgênciaOS"})
        formats = {name: book.add_format(options) for name, options in _FORMATS.items()}
        for title, heads, rows in _sheets(report, fmt):
            sheet = book.add_worksheet(title)
            sheet.set_column(0, 0, 38)
            sheet.set_column(1, 8, 18)
            sheet.freeze_panes(1, 0)
            for column, head in enumerate(heads):
                sheet.write_string(0, column, head, formats["head"])
            for number, row in enumerate(rows, 1):
                for column, (value, kind) in enumerate(row):
                    _write(sheet, number, column, value, formats[kind])
    return file.getvalue()


def _write(sheet: Any, row: int, column: int, value: Cell, cell_format: Any) -> None:
    """Texts are written as texts, whatever they begin with."""
    if isinstance(value, str):
        sheet.write_string(row, column, value, cell_format)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, cell_format)
    elif value is not None:
        sheet.write_number(row, column, value, cell_format)


Sheet = tuple[str, Sequence[str], list[Row]]
"""A sheet's title, heads and rows."""


def _sheets(report: Revision, fmt: Formatter) -> list[Sheet]:
    figures, t = report.figures, fmt.text
    figure, amount = t("Indicador", "Figure"), t("Valor", "Amount")
    about = [((text, "text"),) for text in (*notes(figures, fmt), revision_in_words(report, fmt))]
    compared = [figure, amount, t("Mês anterior", "Previous"), t("Variação", "Change")]
    agents: list[Row] = [((use.agent, "text"), (use.generations, "count"), (use.cost, "usd")) for use in figures.agents]
    return [
        (t("Resumo", "Summary"), compared, _summary(report, fmt)),
        _months(figures, fmt),
        *_lists(figures, fmt),
        (t("IA", "AI"), [t("Agente", "Agent"), t("Gerações", "Generations"), t("Custo", "Cost")], agents),
        (t("Atividade", "Activity"), [figure, amount], _activity(figures, fmt)),
        (t("Sobre", "About"), [t("Sobre este documento", "About this document")], list(about)),
    ]


def _months(figures: Figures, fmt: Formatter) -> Sheet:
    t = fmt.text
    rows: list[Row] = [
        (
            (each.month, "month"),
            *((value, "brl") for value in (each.revenue, each.expenses, each.profit)),
            (share(each.profit, each.revenue), "share"),
        )
        for each in figures.months
    ]
    heads = [t("Mês", "Month"), t("Receitas", "Revenue"), t("Despesas", "Expenses"), t("Resultado", "Result")]
    return t("Meses", "Months"), [*heads, t("Margem", "Margin")], rows


def _lists(figures: Figures, fmt: Formatter) -> list[Sheet]:
    t, revenue, none = fmt.text, figures.revenue, fmt.of(NO_CATEGORY)
    category, amount = t("Categoria", "Category"), [t("Valor", "Amount"), t("Participação", "Share")]
    client, project = t("Cliente", "Client"), t("Projeto", "Project")

    def lines(items: Sequence[Line], total: Decimal, unnamed: str) -> list[Row]:
        return [
            ((line_name(line, unnamed, fmt), "text"), (line.amount, "brl"), (share(line.amount, total), "share"))
            for line in items
        ]

    return [
        (t("Receitas", "Revenue"), [category, *amount], lines(figures.revenue_categories, revenue, none)),
        (t("Despesas", "Expenses"), [category, *amount], lines(figures.expense_categories, figures.expenses, none)),
        (t("Clientes", "Clients"), [client, *amount], lines(figures.clients, revenue, t("Sem cliente", "No client"))),
        (
            t("Projetos", "Projects"),
            [project, *amount],
            lines(figures.projects, revenue, t("Sem projeto", "No project")),
        ),
    ]


def _summary(report: Revision, fmt: Formatter) -> list[Row]:
    figures, t = report.figures, fmt.text

    def compared(name: str, now: Decimal, before: Decimal) -> Row:
        return ((name, "text"), (now, "brl"), (before, "brl"), (growth(now, before), "share"))

    def single(name: str, value: Decimal | None) -> Row:
        return ((name, "text"), (value, "brl"))

    rows: list[Row] = [
        ((t("Agência", "Agency"), "text"), (report.agency_name, "text")),
        ((t("Mês", "Month"), "text"), (report.month.first_day, "month"), (covered(report, fmt), "text")),
        compared(t("Receitas", "Revenue"), figures.revenue, figures.previous_revenue),
        compared(t("Despesas", "Expenses"), figures.expenses, figures.previous_expenses),
        compared(t("Resultado", "Result"), figures.profit, figures.previous_profit),
        ((t("Margem", "Margin"), "text"), (figures.margin, "share")),
        single(t("Ajustes nas receitas", "Adjustments of revenue"), figures.revenue_adjustments),
        single(t("Ajustes nas despesas", "Adjustments of expenses"), figures.expense_adjustments),
        single(t("Recorrente lançada no mês", "Recurring, entered this month"), figures.recurring),
        single(t("Recorrente contratada", "Recurring, contracted"), figures.contracted),
        single(t("Receitas no ano", "Revenue, year to date"), figures.year_to_date.revenue),
        single(t("Despesas no ano", "Expenses, year to date"), figures.year_to_date.expenses),
        single(t("Resultado no ano", "Result, year to date"), figures.year_to_date.profit),
    ]
    if figures.estimated_tax is not None:
        rows.append(single(t("Impostos (estimativa)", "Taxes (estimate)"), figures.estimated_tax))
    return rows


def _activity(figures: Figures, fmt: Formatter) -> list[Row]:
    t = fmt.text
    words = (t("iniciados", "begun"), t("ativos", "active"), t("encerrados", "ended"))
    known = ((t("Clientes", "Clients"), figures.client_count), (t("Projetos", "Projects"), figures.project_count))
    rows: list[Row] = [
        ((f"{name} {word}", "text"), (value, "count"))
        for name, count in known
        for word, value in zip(words, (count.begun, count.active, count.ended), strict=True)
    ]
    rows += [
        ((t("Tarefas concluídas", "Tasks done"), "text"), (figures.tasks.done, "count")),
        ((t("Tarefas atrasadas", "Tasks overdue"), "text"), (figures.tasks.overdue, "count")),
        ((t("Gerações de IA", "AI generations"), "text"), (figures.ai_generations, "count")),
        ((t("Custo de IA", "AI cost"), "text"), (figures.ai_cost, "usd"), (figures.ai_cost_brl, "brl")),
        ((t("Plano", "Plan"), "text"), (figures.plan, "text")),
    ]
    return rows
