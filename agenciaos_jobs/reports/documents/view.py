"""A report in words and formatted numbers, for the PDF and the mail."""

from collections.abc import Sequence

from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.i18n.formatting import NOTHING, Formatter
from agenciaos_jobs.reports.documents.chart import chart
from agenciaos_jobs.reports.documents.sections import View, facts, lists, table
from agenciaos_jobs.reports.numbers.figures import Figures, Number, growth, share
from agenciaos_jobs.reports.numbers.sentences import sentences
from agenciaos_jobs.reports.store.revisions import Revision

_TENFOLD = 9
"""From this change on, words are clearer than a percentage."""


def view(report: Revision, before: Figures | None, fmt: Formatter, insights: Sequence[str] = ()) -> View:
    """Everything that the documents show. ``insights`` are a model's sentences."""
    figures, t = report.figures, fmt.text
    return {
        "language": fmt.language,
        "title": t("Relatório mensal", "Monthly report"),
        "agency": report.agency_name,
        "initial": next((char for char in report.agency_name if char.isalnum()), "A").upper(),
        "month": fmt.month(report.month.first_day).capitalize(),
        "partial": covered(report, fmt),
        "revision": revision_in_words(report, fmt),
        "sentences": [_unbroken(text) for text in sentences(figures, before, fmt)],
        "insights": list(insights),
        "insights_by": t("Escrito por inteligência artificial; confira antes de usar.", "Written by AI; please check."),
        "cards": _cards(figures, fmt),
        "chart": chart(figures.months, fmt),
        "chart_title": t("Receitas e despesas em treze meses", "Revenue and expenses over thirteen months"),
        "legend": [t("Receitas", "Revenue"), t("Despesas", "Expenses"), t("Resultado", "Result")],
        "total": t("Total", "Total"),
        "lists": lists(figures, fmt),
        "table": table(figures, fmt),
        "facts": facts(figures, fmt),
        "notes": notes(figures, fmt),
    }


def covered(report: Revision, fmt: Formatter) -> str:
    """``Parcial: até 27/11/2026``; empty for a whole month."""
    if report.covers_until is None:
        return ""
    day = report.covers_until
    shown = fmt.text(f"{day:%d/%m/%Y}", fmt.day(day))
    return fmt.text(f"Parcial: até {shown}", f"Partial: up to {shown}")


def revision_in_words(report: Revision, fmt: Formatter) -> str:
    """When it was generated, and as which revision."""
    moment = fmt.moment(report.generated_at.astimezone(SAO_PAULO))
    return fmt.text(
        f"Gerado em {moment} · revisão {report.revision}", f"Generated {moment} · revision {report.revision}"
    )


def notes(figures: Figures, fmt: Formatter) -> list[str]:
    """What the document is, and what it is not."""
    known = [
        fmt.text(
            "Receitas e despesas por data de lançamento: nem regime de caixa, nem de competência. Impostos não estão "
            "incluídos. Valores arredondados ao centavo por lançamento.",
            "Revenue and expenses by entry date: neither cash nor accrual accounting. Taxes are not included. "
            "Amounts are rounded to the cent per entry.",
        ),
        fmt.text(
            "Recorrente lançada: receitas do mês marcadas como recorrentes. Contratada: a soma de todas as receitas "
            "recorrentes iniciadas até o fim do mês.",
            "Recurring, entered: the month's revenue marked as recurring. Contracted: the sum of all recurring "
            "revenue that began by the end of the month.",
        ),
    ]
    if figures.revenue_adjustments or figures.expense_adjustments:
        known.append(
            fmt.text(
                f"Valores negativos são ajustes: {fmt.reais(figures.revenue_adjustments)} nas receitas e "
                f"{fmt.reais(figures.expense_adjustments)} nas despesas, já descontados.",
                f"Negative amounts are adjustments: {fmt.reais(figures.revenue_adjustments)} of revenue and "
                f"{fmt.reais(figures.expense_adjustments)} of expenses, already deducted.",
            )
        )
    return known


def change(value: Number, fmt: Formatter) -> str:
    """A change with its sign, such as ``+12,5%``."""
    if value is None:
        return NOTHING
    if value >= _TENFOLD:
        return fmt.text("mais de dez vezes", "over tenfold")
    return f"{'+' if value > 0 else ''}{fmt.percent(value)}"


def _cards(figures: Figures, fmt: Formatter) -> list[View]:
    t = fmt.text
    previous = t("sobre o mês anterior", "vs. the previous month")
    revenue, expenses = (
        growth(figures.revenue, figures.previous_revenue),
        growth(figures.expenses, figures.previous_expenses),
    )
    profit = growth(figures.profit, figures.previous_profit)
    recurring = fmt.percent(share(figures.recurring, figures.revenue))
    year = figures.year_to_date
    this_year = t(f"em {year.month.year}", f"in {year.month.year}")
    so_far = t("acumulado no ano", "year to date")
    return [
        _moved(t("Receitas", "Revenue"), fmt.reais(figures.revenue), revenue, previous, fmt),
        _moved(t("Despesas", "Expenses"), fmt.reais(figures.expenses), expenses, previous, fmt, is_good=False),
        _moved(t("Resultado", "Result"), fmt.reais(figures.profit), profit, previous, fmt),
        _card(t("Margem", "Margin"), fmt.percent(figures.margin), t("do resultado", "of result")),
        _card(
            t("Recorrente lançada", "Recurring, entered"),
            fmt.reais(figures.recurring),
            t(f"{recurring} das receitas", f"{recurring} of revenue"),
        ),
        _card(
            t("Recorrente contratada", "Recurring, contracted"),
            fmt.reais(figures.contracted),
            t("todas até o fim do mês", "all by the month’s end"),
        ),
        _card(t(f"Receitas {this_year}", f"Revenue {this_year}"), fmt.reais(year.revenue), so_far),
        _card(t(f"Resultado {this_year}", f"Result {this_year}"), fmt.reais(year.profit), so_far),
    ]


def _moved(label: str, value: str, moved: Number, note: str, fmt: Formatter, *, is_good: bool = True) -> View:
    """A card of a figure that is compared with the month before. ``is_good``: whether more of it is."""
    tone = "" if not moved else "good" if (moved > 0) == is_good else "bad"
    return _card(label, value, note) | {"change": change(moved, fmt), "tone": tone}


def _card(label: str, value: str, note: str) -> View:
    return {"label": label, "value": value, "note": note, "change": "", "tone": ""}


def _unbroken(text: str) -> str:
    """The text with amounts that no line breaks between sign and number."""
    return text.replace("$ ", "$\u00a0")
