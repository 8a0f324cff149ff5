"""Calendar months in São Paulo's time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

from agenciaos_jobs.foundation.clock import SAO_PAULO

_FORM = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in America/Sao_Paulo."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses ``2026-10``. Raises :class:`ValueError` for anything else."""
        found = _FORM.fullmatch(text)
        if not found or not 1 < int(found[1]) < 9999:
            raise ValueError("expected a month such as 2026-10")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The month of a moment."""
        local = moment.astimezone(SAO_PAULO)
        return cls(local.year, local.month)

    @property
    def previous(self) -> "Month":
        return self.back(1)

    @property
    def next(self) -> "Month":
        return self.back(-1)

    def back(self, count: int) -> "Month":
        """The month ``count`` months before."""
        number = self.year * 12 + self.number - 1 - count
        return Month(number // 12, number % 12 + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def starts_at(self) -> datetime:
        """The month's first moment in São Paulo, in UTC."""
        return datetime(self.year, self.number, 1, tzinfo=SAO_PAULO).astimezone(UTC)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The month's first moment, and the next month's."""
        return self.starts_at, self.next.starts_at

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
