"""Chart geometry; templates draw it as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One coloured segment of a bar."""

    tone: str
    y: float
    height: float
    value: int


@dataclass(frozen=True)
class Column:
    """A bar: its segments from the bottom up, its label, its values followed by their sum, and its link.

    ``is_chosen`` marks the bar that the page is about.
    """

    x: float
    width: float
    parts: tuple[Part, ...]
    label: str
    values: tuple[int, ...]
    href: str | None = None
    tick: str | None = None
    is_chosen: bool = False


@dataclass(frozen=True)
class Grid:
    """A horizontal grid line, and its label."""

    y: float
    value: int


@dataclass(frozen=True)
class Bars:
    """Stacked bars in an area of ``width`` by ``height``."""

    width: float
    height: float
    columns: tuple[Column, ...]
    grid: tuple[Grid, ...]

    def path(self, tone: str) -> str:
        """All segments of one colour, as one SVG path."""
        pieces = ((column, part) for column in self.columns for part in column.parts if part.tone == tone)
        return "".join(rectangle(column.x, part.y, column.width, part.height) for column, part in pieces)

    def field_of(self, column: Column) -> str:
        """The hover area of a column."""
        return rectangle(column.x, 0, column.width, self.height)


@dataclass(frozen=True)
class Step:
    """The data of one bar; ``tick`` is its label on the axis, if it has one."""

    label: str
    values: Mapping[str, int]
    href: str | None = None
    tick: str | None = None
    is_chosen: bool = False


def stacked(steps: Sequence[Step], tones: Sequence[str], *, width: float = 1000, height: float = 180) -> Bars:
    """Bars side by side, each with a segment for each of ``tones``, the first at the bottom."""
    top = scale_top(max((sum(step.values.values()) for step in steps), default=0))
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
        place = round(x, 2), round(slot - gap, 2)
        columns.append(Column(*place, tuple(parts), step.label, values, step.href, step.tick, step.is_chosen))
    lines = tuple(Grid(round(height - height * share, 2), round(top * share)) for share in (0.5, 1.0))
    return Bars(width, height, tuple(columns), lines)


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """An SVG path, shorter than a ``rect``."""
    return f"M{x:.5g} {y:.5g}h{width:.5g}v{height:.5g}h-{width:.5g}z"


def sparkline(values: Sequence[float], *, width: float = 100, height: float = 24) -> str:
    """The points of a polyline through the values, with zero at the bottom."""
    top = max([*values, 1])
    step = width / max(1, len(values) - 1)
    return " ".join(
        f"{number * step:.1f},{height - 1 - (height - 2) * value / top:.1f}" for number, value in enumerate(values)
    )


def scale_top(largest: float) -> int:
    """The upper end of a scale that holds ``largest`` and is easy to halve: 2, 4, 10, 20, 40, 100 …"""
    if largest <= 2:
        return 2
    power = 10 ** math.floor(math.log10(largest))
    return int(next(power * step for step in (1, 2, 4, 6, 8, 10) if power * step >= largest))
