"""How the dashboard says things: two languages, Brazilian numbers, São Paulo's time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.language import Language, Text
from agenciaos_jobs.foundation.text import Text as BothLanguages

_BRAZILIAN = str.maketrans(",.", ".,")
_MONTHS: dict[Language, tuple[str, ...]] = {
    "pt": ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_FULL_MONTHS: dict[Language, tuple[str, ...]] = {
    "pt": (
        *("janeiro", "fevereiro", "março", "abril", "maio", "junho"),
        *("julho", "agosto", "setembro", "outubro", "novembro", "dezembro"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
NOTHING = "—"


@dataclass(frozen=True)
class Speech:
    """One reader's language, at one moment. Numbers are written the Brazilian way in both languages."""

    language: Language
    present: datetime

    def text(self, portuguese: str, english: str) -> str:
        return portuguese if self.language == "pt" else english

    def of(self, text: Text | BothLanguages) -> str:
        return text.in_language(self.language) if isinstance(text, BothLanguages) else text[self.language]

    def number(self, value: float | Decimal | None, places: int = 0) -> str:
        """A number, such as ``12.345`` or ``0,5``."""
        return NOTHING if value is None else f"{value:,.{places}f}".translate(_BRAZILIAN)

    def compact(self, value: float) -> str:
        """A number in three or four characters, such as ``12,3 mil`` or ``1,2 mi``."""
        for size, portuguese, english in ((1_000_000, "mi", "M"), (1_000, "mil", "k")):
            if abs(value) >= size:
                places = 1 if abs(value) < 100 * size else 0
                return f"{self.number(value / size, places)} {self.text(portuguese, english)}"
        return self.number(value)

    def reais(self, value: Decimal | None) -> str:
        """Brazilian reais, such as ``R$ 1.234,50`` or ``−R$ 3,00``."""
        return NOTHING if value is None else f"{'−' if value < 0 else ''}R$ {self.number(abs(value), 2)}"

    def dollars(self, value: Decimal | None, places: int = 2) -> str:
        """US dollars; more places where two would say nothing."""
        if value is None:
            return NOTHING
        return f"US$ {self.number(value, 4 if 0 < abs(value) < Decimal('0.1') else places)}"

    def percent(self, value: float | Decimal | None, places: int = 1) -> str:
        """A fraction of one in per cent, such as ``12,5%``."""
        return NOTHING if value is None else f"{self.number(value * 100, places)}%".replace("-", "−")

    def duration(self, length: timedelta | float | None) -> str:
        """A length of time (a number is in seconds) as two units at most: ``84 ms``, ``2,31 s``, ``4 min 09 s``."""
        if length is None:
            return NOTHING
        seconds = length.total_seconds() if isinstance(length, timedelta) else length
        if seconds < 0.9995:
            return f"{round(max(seconds, 0) * 1000)} ms"
        if seconds < 60:
            return f"{self.number(seconds, 2 if seconds < 10 else 1)} s"
        whole = round(seconds)
        if whole < 3600:
            return f"{whole // 60} min {whole % 60:02} s"
        if whole < 86_400:
            return f"{whole // 3600} h {whole % 3600 // 60:02} min"
        return f"{whole // 86_400} d {whole % 86_400 // 3600:02} h"

    def precise(self, length: timedelta) -> str:
        """A length of time to the millisecond: ``84 ms``, ``2,309 s``, ``4 min 09,123 s``, ``1 h 02 min 09,123 s``."""
        milliseconds = max(0, round(length.total_seconds() * 1000))
        if milliseconds < 1000:
            return f"{milliseconds} ms"
        minutes, milliseconds = divmod(milliseconds, 60_000)
        seconds = self.number(milliseconds / 1000, 3)
        if not minutes:
            return f"{seconds} s"
        hours, minutes = divmod(minutes, 60)
        return f"{f'{hours} h {minutes:02}' if hours else minutes} min {seconds:0>6} s"

    def ago(self, moment: datetime) -> str:
        """A moment as seen from now: ``há 3 min``, ``em 2 h``; its day where that is over a week off."""
        seconds = (self.present - moment).total_seconds()
        distance = abs(seconds)
        if distance < 1:
            return self.text("agora", "now")
        if distance >= 7 * 86_400:
            return self.day(moment.astimezone(SAO_PAULO).date())
        size, unit = next(pair for pair in _UNITS if distance >= pair[0])
        length = f"{int(distance // size)} {unit}"
        if seconds > 0:
            return self.text(f"há {length}", f"{length} ago")
        return self.text(f"em {length}", f"in {length}")

    def day(self, day: date) -> str:
        """A day, such as ``3 nov``; with its year where that is another than this one."""
        year = "" if day.year == self.present.astimezone(SAO_PAULO).year else f" {day.year}"
        return f"{day.day} {_MONTHS[self.language][day.month - 1]}{year}"

    def month(self, day: date) -> str:
        """The month of a day, such as ``outubro de 2026``."""
        return f"{_FULL_MONTHS[self.language][day.month - 1]} {self.text('de ', '')}{day.year}"

    def short_month(self, day: date) -> str:
        """The month of a day, such as ``out 26``."""
        return f"{_MONTHS[self.language][day.month - 1]} {day.year % 100:02}"

    def exact(self, moment: datetime) -> str:
        """A moment to the millisecond, in São Paulo."""
        local = moment.astimezone(SAO_PAULO)
        return f"{local:%d/%m/%Y %H:%M:%S},{local.microsecond // 1000:03} (São Paulo)"

    def clock(self, moment: datetime) -> str:
        """The time of day to the millisecond, in São Paulo."""
        local = moment.astimezone(SAO_PAULO)
        return f"{local:%H:%M:%S},{local.microsecond // 1000:03}"

    def hour(self, moment: datetime) -> str:
        """The time of day to the minute, in São Paulo."""
        return f"{moment.astimezone(SAO_PAULO):%H:%M}"
