"""Charts as coordinates; templates draw them as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One coloured piece of a bar."""

    tone: str
    y: float
    height: float
    value: int


@dataclass(frozen=True)
class Column:
    """One bar: its pieces from the bottom up, its words, all its values and then their sum, and where it leads."""

    x: float
    width: float
    parts: tuple[Part, ...]
    label: str
    values: tuple[int, ...]
    href: str | None = None
    tick: str | None = None


@dataclass(frozen=True)
class Grid:
    """A line across the chart, and what it stands for."""

    y: float
    value: int


@dataclass(frozen=True)
class Bars:
    """Stacked bars in a field of ``width`` by ``height``."""

    width: float
    height: float
    columns: tuple[Column, ...]
    grid: tuple[Grid, ...]

    def path(self, tone: str) -> str:
        """All pieces of one colour, as one path of SVG."""
        pieces = ((column, part) for column in self.columns for part in column.parts if part.tone == tone)
        return "".join(rectangle(column.x, part.y, column.width, part.height) for column, part in pieces)

    def field_of(self, column: Column) -> str:
        """Where the pointer is on a column."""
        return rectangle(column.x, 0, column.width, self.height)


@dataclass(frozen=True)
class Step:
    """What is known of one bar before it is drawn; ``tick`` is its word on the axis, if it has one."""

    label: str
    values: Mapping[str, int]
    href: str | None = None
    tick: str | None = None


def stacked(steps: Sequence[Step], tones: Sequence[str], *, width: float = 1000, height: float = 180) -> Bars:
    """Bars side by side, each with a piece for each of ``tones``, the first at the bottom."""
    top = nice_top(max((sum(step.values.values()) for step in steps), default=0))
    slot = width / max(1, len(steps))
    gap = min(4.0, slot * 0.22)
    columns = []
    for number, step in enumerate(steps):
        y, parts = height, []
        for tone in tones:
            if value := step.values.get(tone, 0):
                tall = max(height * value / top, 1.5)
                y -= tall
                parts.append(Part(tone, round(max(0, y), 2), round(tall, 2), value))
        x = number * slot + gap / 2
        values = (*(step.values.get(tone, 0) for tone in tones), sum(step.values.values()))
        columns.append(
            Column(round(x, 2), round(slot - gap, 2), tuple(parts), step.label, values, step.href, step.tick)
        )
    lines = tuple(Grid(round(height - height * share, 2), round(top * share)) for share in (0.5, 1.0))
    return Bars(width, height, tuple(columns), lines)


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """A path of SVG, in fewer letters than a ``rect``."""
    return f"M{x:.5g} {y:.5g}h{width:.5g}v{height:.5g}h-{width:.5g}z"


def sparkline(values: Sequence[float], *, width: float = 100, height: float = 24) -> str:
    """The points of a polyline through the values, zero at the bottom."""
    top = max([*values, 1])
    step = width / max(1, len(values) - 1)
    return " ".join(
        f"{number * step:.1f},{height - 1 - (height - 2) * value / top:.1f}" for number, value in enumerate(values)
    )


def nice_top(most: float) -> int:
    """The end of a scale that holds ``most`` and is easy to halve: 2, 4, 10, 20, 40, 100 …"""
    if most <= 2:
        return 2
    power = 10 ** math.floor(math.log10(most))
    return int(next(power * step for step in (1, 2, 4, 6, 8, 10) if power * step >= most))
