"""Results as a table with ratios."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One measurement; ``base`` is what it is compared with, ``less`` says that less is better."""

    what: str
    who: str
    value: float
    unit: str
    base: float | None = None
    less: bool = False

    @property
    def ratio(self) -> str:
        if not self.base:
            return ""
        ratio = self.base / self.value if self.less else self.value / self.base
        return f"{ratio:.1f}×" if ratio >= 10 else f"{ratio:.2f}×"


def show(rows: list[Row]) -> None:
    table = Table(title="agenciaos_jobs, side by side on this machine")
    for heading, side in (
        ("what", "left"),
        ("who", "left"),
        ("measured", "right"),
        ("unit", "left"),
        ("ratio", "right"),
    ):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(row.what, row.who, f"{row.value:,.1f}", row.unit, row.ratio)
    Console(width=110).print(table)
