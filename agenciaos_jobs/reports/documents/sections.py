"""The lists, the table and the facts of a report, in words and formatted numbers."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.reports.numbers.figures import Count, Figures, Line, share
from agenciaos_jobs.reports.numbers.sentences import NO_CATEGORY

SHOWN = 9
"""Lines of a list in the PDF; the others are summed up in one. The spreadsheet has them all."""

MAX_NAME = 28
"""Characters of a name in a list."""

View = dict[str, Any]


def lists(figures: Figures, fmt: Formatter) -> list[View]:
    """Revenue and expenses by category, and revenue by client and project where there are any."""
    t = fmt.text
    known = (
        (t("Receitas por categoria", "Revenue by category"), figures.revenue_categories, figures.revenue, NO_CATEGORY),
        (
            t("Despesas por categoria", "Expenses by category"),
            figures.expense_categories,
            figures.expenses,
            NO_CATEGORY,
        ),
    )
    parties = (
        (t("Receitas por cliente", "Revenue by client"), figures.clients, t("Sem cliente", "No client")),
        (t("Receitas por projeto", "Revenue by project"), figures.projects, t("Sem projeto", "No project")),
    )
    found = [_list(title, lines, total, fmt.of(empty), fmt) for title, lines, total, empty in known]
    found += [
        _list(title, lines, figures.revenue, empty, fmt)
        for title, lines, empty in parties
        if any(x.name for x in lines)
    ]
    return found


def _list(title: str, lines: Sequence[Line], total: Decimal, unnamed: str, fmt: Formatter) -> View:
    shown = list(lines[: SHOWN if len(lines) > SHOWN + 1 else SHOWN + 1])
    if rest := lines[len(shown) :]:
        count = sum(line.others or 1 for line in rest)
        shown.append(Line("", sum((line.amount for line in rest), Decimal()), count))
    top = max((line.amount for line in shown), default=Decimal())
    rows = [
        {
            "name": _short(line_name(line, unnamed, fmt)),
            "amount": fmt.reais(line.amount),
            "share": fmt.percent(share(line.amount, total) if line.amount >= 0 else None),
            "bar": float(max(line.amount, Decimal()) / top) if top > 0 else 0.0,
        }
        for line in shown
    ]
    return {"title": title, "rows": rows, "total": fmt.reais(total), "empty": fmt.text("Nada no mês.", "Nothing.")}


def line_name(line: Line, unnamed: str, fmt: Formatter) -> str:
    """The name of a line, also of those that have none of their own."""
    if line.others:
        return fmt.text(f"Outros ({line.others})", f"Others ({line.others})")
    return line.name or unnamed


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1].rstrip()}…"


def table(figures: Figures, fmt: Formatter) -> View:
    """The thirteen months, newest first."""
    t = fmt.text
    rows = [
        [
            fmt.short_month(each.month),
            *map(fmt.reais, (each.revenue, each.expenses, each.profit)),
            fmt.percent(share(each.profit, each.revenue)),
        ]
        for each in reversed(figures.months)
    ]
    heads = [t("Mês", "Month"), t("Receitas", "Revenue"), t("Despesas", "Expenses"), t("Resultado", "Result")]
    return {"title": t("Mês a mês", "Month by month"), "heads": [*heads, t("Margem", "Margin")], "rows": rows}


def facts(figures: Figures, fmt: Formatter) -> list[View]:
    """Clients, projects, tasks, plan, AI and the estimated tax: groups of labels and values."""
    t, number = fmt.text, fmt.number
    tasks = [
        [t("Concluídas", "Done"), number(figures.tasks.done)],
        [t("Atrasadas", "Overdue"), number(figures.tasks.overdue)],
    ]
    groups: list[View] = [
        {"title": t("Clientes", "Clients"), "rows": _counted(figures.client_count, fmt)},
        {"title": t("Projetos", "Projects"), "rows": _counted(figures.project_count, fmt)},
        {"title": t("Tarefas", "Tasks"), "rows": tasks},
        {"title": t("Plano", "Plan"), "rows": _plan(figures, fmt)},
        {"title": t("Inteligência artificial", "Artificial intelligence"), "rows": _ai(figures, fmt)},
    ]
    if figures.estimated_tax is not None:
        rate = fmt.percent(figures.tax_rate)
        row = [t(f"{rate} da receita", f"{rate} of revenue"), fmt.reais(figures.estimated_tax)]
        groups.append({"title": t("Impostos (estimativa)", "Taxes (estimate)"), "rows": [row]})
    return groups


def _counted(count: Count, fmt: Formatter) -> list[list[str]]:
    return [
        [fmt.text("Iniciados", "Begun"), fmt.number(count.begun)],
        [fmt.text("Ativos", "Active"), fmt.number(count.active)],
        [fmt.text("Encerrados", "Ended"), fmt.number(count.ended)],
    ]


def _plan(figures: Figures, fmt: Formatter) -> list[list[str]]:
    changes = [
        [
            fmt.day(datetime.fromisoformat(each["at"]).astimezone(SAO_PAULO).date()),
            f"{each['before']} → {each['after']}",
        ]
        for each in figures.plan_changes[-3:]
    ]
    return [[fmt.text("Plano", "Plan"), figures.plan], *changes]


def _ai(figures: Figures, fmt: Formatter) -> list[list[str]]:
    cost = fmt.dollars(figures.ai_cost)
    if figures.ai_cost_brl is not None:
        cost += f" · {fmt.reais(figures.ai_cost_brl)}"
    agents = [[use.agent, f"{fmt.number(use.generations)} · {fmt.dollars(use.cost)}"] for use in figures.agents[:6]]
    total = [fmt.text("Gerações", "Generations"), fmt.number(figures.ai_generations)]
    return [total, [fmt.text("Custo", "Cost"), cost], *agents]
