"""What matters of a month, in three sentences: from rules, not from a model."""

from collections.abc import Sequence
from decimal import Decimal

from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.reports.numbers.figures import Figures, Line, growth, share

NO_CATEGORY = Text("Sem categoria", "No category")

_STEADY = Decimal("0.005")
"""A change that rounds to nothing, as a fraction."""


def sentences(figures: Figures, before: Figures | None, fmt: Formatter) -> list[str]:
    """Three sentences: on revenue, on profit, and on what the revenue rests upon.

    ``before`` are the figures of the month before, if it has a report: they show what moved the revenue.
    """
    if not (figures.revenue or figures.expenses):
        return [fmt.text("Nenhuma receita ou despesa foi lançada no mês.", "No revenue or expense was entered.")]
    return [_revenue(figures, before, fmt), _profit(figures, fmt), _foundation(figures, fmt)]


def _revenue(figures: Figures, before: Figures | None, fmt: Formatter) -> str:
    change, amount = growth(figures.revenue, figures.previous_revenue), fmt.reais(figures.revenue)
    if change is None or figures.revenue <= 0:
        return fmt.text(f"A receita foi de {amount}.", f"Revenue was {amount}.")
    if abs(change) < _STEADY:
        return fmt.text(f"A receita ficou estável, em {amount}.", f"Revenue was steady at {amount}.")
    size, is_up = fmt.percent(abs(change)), change > 0
    text = fmt.text(
        f"A receita {'subiu' if is_up else 'caiu'} {size}, para {amount}",
        f"Revenue {'rose' if is_up else 'fell'} by {size} to {amount}",
    )
    mover = _mover(figures.revenue_categories, before.revenue_categories if before else (), is_up=is_up)
    if mover is None:
        return f"{text}."
    name, moved = mover[0] or fmt.of(NO_CATEGORY), fmt.reais(abs(mover[1]))
    sign = "+" if is_up else "−"
    return fmt.text(f"{text}, puxada por {name} ({sign}{moved}).", f"{text}, driven by {name} ({sign}{moved}).")


def _mover(now: Sequence[Line], before: Sequence[Line], *, is_up: bool) -> tuple[str, Decimal] | None:
    """The category that moved most in that direction."""
    if not before:
        return None
    amounts = {line.name: line.amount for line in now if not line.others}
    earlier = {line.name: line.amount for line in before if not line.others}
    moves = {name: amounts.get(name, Decimal()) - earlier.get(name, Decimal()) for name in {*amounts, *earlier}}
    if not moves:
        return None
    name = (max if is_up else min)(sorted(moves), key=lambda each: moves[each])
    return (name, moves[name]) if (moves[name] > 0) == is_up and moves[name] else None


def _profit(figures: Figures, fmt: Formatter) -> str:
    spent, profit = fmt.reais(figures.expenses), fmt.reais(abs(figures.profit))
    if figures.profit < 0:
        return fmt.text(
            f"As despesas de {spent} passaram das receitas, e o mês fechou com prejuízo de {profit}.",
            f"Expenses of {spent} exceeded revenue, and the month closed with a loss of {profit}.",
        )
    margin = fmt.percent(figures.margin)
    if figures.margin is None:
        return fmt.text(f"As despesas foram de {spent}.", f"Expenses were {spent}.")
    return fmt.text(
        f"Depois de {spent} em despesas, o lucro foi de {profit}, uma margem de {margin}.",
        f"After {spent} of expenses, profit was {profit}, a margin of {margin}.",
    )


def _foundation(figures: Figures, fmt: Formatter) -> str:
    """What the revenue rests upon: a client with much of it, else what recurs, else the year."""
    named = [line for line in figures.clients if line.name and not line.others]
    part = share(named[0].amount, figures.revenue) if named else None
    if named and part is not None and part >= Decimal("0.4"):
        return fmt.text(
            f"{named[0].name} responde por {fmt.percent(part)} da receita do mês.",
            f"{named[0].name} accounts for {fmt.percent(part)} of the month's revenue.",
        )
    if figures.contracted > 0:
        amount = fmt.reais(figures.contracted)
        return fmt.text(
            f"As receitas recorrentes contratadas até o fim do mês somam {amount}.",
            f"Recurring revenue contracted by the end of the month adds up to {amount}.",
        )
    year, profit = figures.year_to_date.month.year, fmt.reais(figures.year_to_date.profit)
    return fmt.text(
        f"No ano de {year}, o resultado acumulado é de {profit}.", f"The result of {year} so far is {profit}."
    )
