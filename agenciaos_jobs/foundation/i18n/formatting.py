"""Formatting of numbers, money, dates and durations for people, in Portuguese and English.

Separators, currency patterns and names come from Babel's CLDR data and are read once for each language. The digits come
from Python's own ``format``, which is about five times as fast as Babel's. A ``Decimal`` is never converted to
``float``. Rounding is half-even. Dates and times are in São Paulo's time zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

from babel import Locale

from agenciaos_jobs.foundation.clock import SAO_PAULO
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.foundation.i18n.text import Text

NOTHING = "—"
"""The placeholder for an unknown value."""

Number = float | Decimal

_LOCALES: Mapping[Language, str] = {"pt": "pt_BR", "en": "en_US"}
_TEN_CENTS = Decimal("0.1")
_SPACES = str.maketrans("\u00a0\u202f", "  ")
_AGO_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_BYTE_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@dataclass(frozen=True)
class Names:
    """The names of a language's months, January first, and weekdays, Monday first."""

    months: tuple[str, ...]
    short_months: tuple[str, ...]
    weekdays: tuple[str, ...]


@dataclass(frozen=True)
class _Marks:
    """A language's number format: separators, currency patterns and abbreviations for thousands."""

    separators: dict[int, str]
    reais: str
    dollars: str
    compact: tuple[tuple[int, str], ...]


@cache
def names(language: Language) -> Names:
    """A language's names of months and weekdays."""
    locale = Locale.parse(_LOCALES[language])
    wide, short, weekdays = locale.months["format"]["wide"], locale.months["format"]["abbreviated"], locale.days
    return Names(
        months=tuple(wide[number] for number in range(1, 13)),
        short_months=tuple(short[number].rstrip(".") for number in range(1, 13)),
        weekdays=tuple(weekdays["format"]["wide"][number] for number in range(7)),
    )


@cache
def _marks(language: Language) -> _Marks:
    locale = Locale.parse(_LOCALES[language])
    symbols = locale.number_symbols["latn"]
    currency = locale.currency_formats["standard"].pattern.translate(_SPACES).replace("#,##0.00", "{}")
    compact = locale.compact_decimal_formats["short"]["other"]
    return _Marks(
        separators={ord(","): symbols["group"], ord("."): symbols["decimal"], ord("-"): "−"},
        reais=currency.replace("¤", "R$"),
        dollars=currency.replace("¤", "US$"),
        compact=tuple(
            (size, compact[str(size)].pattern.translate(_SPACES).replace("0", "{}")) for size in (10**9, 10**6, 10**3)
        ),
    )


@dataclass(frozen=True)
class Formatter:
    """Formats for one reader: in their language, relative to ``now``."""

    language: Language
    now: datetime

    def text(self, portuguese: str, english: str) -> str:
        return portuguese if self.language == "pt" else english

    def of(self, text: Text) -> str:
        return text.in_language(self.language)

    def number(self, value: Number | None, places: int = 0) -> str:
        """A number, such as ``12.345`` or ``0,5``."""
        if value is None:
            return NOTHING
        exact = Decimal(value) if isinstance(value, int) else value
        return f"{exact:z,.{places}f}".translate(_marks(self.language).separators)

    def plain(self, value: Number, places: int = 0) -> str:
        """A number for spreadsheets, without thousands separators and with a hyphen as the minus: ``-1234,50``."""
        return f"{value:z.{places}f}".replace(".", _marks(self.language).separators[ord(".")])

    def compact(self, value: Number) -> str:
        """A number in three or four characters, such as ``12,3 mil`` or ``1,2 mi``; in English ``12.3K``, ``1.2M``."""
        distance = -value if value < 0 else value
        for size, pattern in _marks(self.language).compact:
            if distance * 2000 >= size * 1999:
                return pattern.format(self.number(value / size, 1 if distance < 99.95 * size else 0))
        return self.number(value)

    def reais(self, value: Number | None) -> str:
        """Brazilian reais, such as ``R$ 1.234,50`` or ``−R$ 3,00``; in English ``R$1,234.50``."""
        return self._money(_marks(self.language).reais, self.number(value, 2))

    def compact_reais(self, value: Number) -> str:
        """Reais on an axis, such as ``R$ 12,3 mil`` or ``−R$ 1,2 mi``."""
        return self._money(_marks(self.language).reais, self.compact(value))

    def dollars(self, value: Number | None, places: int = 2) -> str:
        """US dollars, such as ``US$ 1.234,50``; in English ``US$1,234.50``. Below ten cents with four places."""
        is_small = value is not None and value != 0 and -_TEN_CENTS < value < _TEN_CENTS
        return self._money(_marks(self.language).dollars, self.number(value, max(4, places) if is_small else places))

    def _money(self, pattern: str, digits: str) -> str:
        if digits == NOTHING:
            return NOTHING
        return "−" + pattern.format(digits[1:]) if digits.startswith("−") else pattern.format(digits)

    def percent(self, value: Number | None, places: int = 1) -> str:
        """A fraction of one as a percentage, such as ``12,5%``."""
        if value is None:
            return NOTHING
        return f"{value:z,.{places}%}".translate(_marks(self.language).separators)

    def size(self, count: int) -> str:
        """A number of bytes, such as ``12,3 MB``; a kB is a thousand."""
        unit = next((pair for pair in _BYTE_UNITS if count >= pair[0]), None)
        return f"{self.number(count / unit[0], 1)} {unit[1]}" if unit else f"{self.number(count)} B"

    def duration(self, length: timedelta | float | None) -> str:
        """A duration (a number is in seconds) in up to two units: ``84 ms``, ``2,31 s``, ``4 min 09 s``."""
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

    def rough(self, length: timedelta | float) -> str:
        """A rough duration (a number is in seconds): ``45 s``, ``12 min``, ``3 h 20 min``, ``2 d``."""
        whole = max(0, round(length.total_seconds() if isinstance(length, timedelta) else length))
        if whole < 60:
            return f"{whole} s"
        if whole < 3600:
            return f"{whole // 60} min"
        (large, unit), (small, rest) = (
            ((whole // 3600, "h"), (whole % 3600 // 60, "min"))
            if whole < 86_400
            else ((whole // 86_400, "d"), (whole % 86_400 // 3600, "h"))
        )
        return f"{large} {unit} {small} {rest}" if small else f"{large} {unit}"

    def precise(self, length: timedelta) -> str:
        """A duration to the millisecond: ``84 ms``, ``2,309 s``, ``4 min 09,123 s``, ``1 h 02 min 09,123 s``."""
        milliseconds = max(0, round(length.total_seconds() * 1000))
        if milliseconds < 1000:
            return f"{milliseconds} ms"
        minutes, milliseconds = divmod(milliseconds, 60_000)
        seconds = self.number(Decimal(milliseconds).scaleb(-3), 3)
        if not minutes:
            return f"{seconds} s"
        hours, minutes = divmod(minutes, 60)
        return f"{f'{hours} h {minutes:02}' if hours else minutes} min {seconds:0>6} s"

    def ago(self, moment: datetime) -> str:
        """A moment relative to now: ``há 3 min``, ``em 2 h``; its day if that is at least a week away."""
        seconds = (self.now - moment).total_seconds()
        distance = abs(seconds)
        if distance < 1:
            return self.text("agora", "now")
        if distance >= 7 * 86_400:
            return self.day(moment.astimezone(SAO_PAULO).date())
        size, unit = next(pair for pair in _AGO_UNITS if distance >= pair[0])
        length = f"{int(distance // size)} {unit}"
        return self.text(f"há {length}", f"{length} ago") if seconds > 0 else self.text(f"em {length}", f"in {length}")

    def day(self, day: date) -> str:
        """A day, such as ``3 nov`` or ``Nov 3``, with its year unless that is the current one."""
        month, is_this_year = self._short_name(day), day.year == self.now.astimezone(SAO_PAULO).year
        if self.language == "pt":
            return f"{day.day} {month}" if is_this_year else f"{day.day} {month} {day.year}"
        return f"{month} {day.day}" if is_this_year else f"{month} {day.day}, {day.year}"

    def month(self, day: date) -> str:
        """The month of a day, such as ``outubro de 2026``."""
        return f"{names(self.language).months[day.month - 1]} {self.text('de ', '')}{day.year}"

    def short_month(self, day: date) -> str:
        """The month of a day, such as ``out 26``; in English ``Oct ’26``, unlike a day of October."""
        return f"{self._short_name(day)} {self.text('', '’')}{day.year % 100:02}"

    def moment(self, moment: datetime) -> str:
        """A date and time, such as ``27/11/2026 17:14`` or ``Nov 27, 2026, 17:14``."""
        local = moment.astimezone(SAO_PAULO)
        return f"{self._date(local)}{self.text(' ', ', ')}{local:%H:%M}"

    def moment_to_the_second(self, moment: datetime) -> str:
        """A date and time, such as ``27/11/2026 17:14:09``."""
        return f"{self.moment(moment)}:{moment.second:02}"

    def exact(self, moment: datetime) -> str:
        """A date and time to the millisecond, with the zone's name."""
        local = moment.astimezone(SAO_PAULO)
        return f"{self._date(local)}{self.text(' ', ', ')}{self._clock(local)} (São Paulo)"

    def short_moment(self, moment: datetime) -> str:
        """A day and the time of day, such as ``27 nov, 17:14``."""
        return f"{self.day(moment.astimezone(SAO_PAULO).date())}, {self.hour(moment)}"

    def clock(self, moment: datetime) -> str:
        """The time of day to the millisecond, such as ``17:14:09,123``."""
        return self._clock(moment.astimezone(SAO_PAULO))

    def hour(self, moment: datetime) -> str:
        """The time of day to the minute, such as ``17:14``."""
        return f"{moment.astimezone(SAO_PAULO):%H:%M}"

    def full_hour(self, moment: datetime) -> str:
        """The hour of a moment, such as ``17 h``; in English ``17:00``."""
        return f"{moment.astimezone(SAO_PAULO):%H}{self.text(' h', ':00')}"

    def _short_name(self, day: date) -> str:
        return names(self.language).short_months[day.month - 1]

    # Fields are formatted one by one because strftime is slow and lists have many dates.
    def _date(self, local: datetime) -> str:
        if self.language == "pt":
            return f"{local.day:02}/{local.month:02}/{local.year}"
        return f"{self._short_name(local)} {local.day}, {local.year}"

    def _clock(self, local: datetime) -> str:
        seconds = f"{local.hour:02}:{local.minute:02}:{local.second:02}"
        return f"{seconds}{self.text(',', '.')}{local.microsecond // 1000:03}"
