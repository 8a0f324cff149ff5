"""How numbers, money, dates and durations are written, in both languages."""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenciaos_jobs.foundation.i18n.formatting import Formatter, Number
from agenciaos_jobs.foundation.i18n.language import Language

NOW = datetime(2026, 11, 27, 20, 14, 9, 123_000, UTC)
PT, EN = Formatter("pt", NOW), Formatter("en", NOW)

LANGUAGES = st.sampled_from([PT, EN])
AMOUNTS = st.decimals(min_value=-(10**18), max_value=10**18, places=6, allow_nan=False, allow_infinity=False)


def read(text: str, language: Language) -> Decimal:
    group, decimal = (".", ",") if language == "pt" else (",", ".")
    return Decimal(text.replace(group, "").replace(decimal, ".").replace("−", "-"))


@pytest.mark.parametrize(
    ("method", "value", "portuguese", "english"),
    [
        ("number", 12345, "12.345", "12,345"),
        ("number", None, "—", "—"),
        ("number", -3, "−3", "−3"),
        ("number", 2**60 + 1, "1.152.921.504.606.846.977", "1,152,921,504,606,846,977"),
        ("compact", 999, "999", "999"),
        ("compact", 1000, "1,0 mil", "1.0K"),
        ("compact", 12_345, "12,3 mil", "12.3K"),
        ("compact", 99_960, "100 mil", "100K"),
        ("compact", 999_600, "1,0 mi", "1.0M"),
        ("compact", -2_500_000, "−2,5 mi", "−2.5M"),
        ("compact", 3_200_000_000, "3,2 bi", "3.2B"),
        ("compact_reais", 12_345, "R$ 12,3 mil", "R$12.3K"),
        ("compact_reais", -2_500_000, "−R$ 2,5 mi", "−R$2.5M"),
        ("compact_reais", 0, "R$ 0", "R$0"),
        ("reais", Decimal("1234.5"), "R$ 1.234,50", "R$1,234.50"),
        ("reais", Decimal(-3), "−R$ 3,00", "−R$3.00"),
        ("reais", Decimal("-0.004"), "R$ 0,00", "R$0.00"),
        ("reais", None, "—", "—"),
        ("dollars", Decimal("1234.5"), "US$ 1.234,50", "US$1,234.50"),
        ("dollars", Decimal("0.0042"), "US$ 0,0042", "US$0.0042"),
        ("dollars", 0, "US$ 0,00", "US$0.00"),
        ("percent", Decimal("0.125"), "12,5%", "12.5%"),
        ("percent", -0.03, "−3,0%", "−3.0%"),
        ("size", 12_340_000, "12,3 MB", "12.3 MB"),
        ("size", 999, "999 B", "999 B"),
        ("duration", 0.084, "84 ms", "84 ms"),
        ("duration", 2.309, "2,31 s", "2.31 s"),
        ("duration", timedelta(minutes=4, seconds=9), "4 min 09 s", "4 min 09 s"),
        ("rough", 0, "0 s", "0 s"),
        ("rough", 45, "45 s", "45 s"),
        ("rough", 59.6, "1 min", "1 min"),
        ("rough", timedelta(minutes=12, seconds=3), "12 min", "12 min"),
        ("rough", timedelta(hours=3, minutes=20), "3 h 20 min", "3 h 20 min"),
        ("rough", timedelta(days=2), "2 d", "2 d"),
        ("rough", timedelta(days=2, hours=4), "2 d 4 h", "2 d 4 h"),
        ("precise", timedelta(milliseconds=2309), "2,309 s", "2.309 s"),
        ("precise", timedelta(hours=1, minutes=2, milliseconds=9123), "1 h 02 min 09,123 s", "1 h 02 min 09.123 s"),
        ("ago", NOW - timedelta(minutes=3, seconds=5), "há 3 min", "3 min ago"),
        ("ago", NOW + timedelta(hours=2), "em 2 h", "in 2 h"),
        ("ago", NOW - timedelta(milliseconds=300), "agora", "now"),
        ("ago", NOW - timedelta(days=40), "18 out", "Oct 18"),
        ("day", date(2026, 11, 3), "3 nov", "Nov 3"),
        ("day", date(2025, 11, 3), "3 nov 2025", "Nov 3, 2025"),
        ("month", date(2026, 3, 1), "março de 2026", "March 2026"),
        ("short_month", date(2026, 10, 1), "out 26", "Oct ’26"),
        ("moment", NOW, "27/11/2026 17:14", "Nov 27, 2026, 17:14"),
        ("moment_to_the_second", NOW, "27/11/2026 17:14:09", "Nov 27, 2026, 17:14:09"),
        ("exact", NOW, "27/11/2026 17:14:09,123 (São Paulo)", "Nov 27, 2026, 17:14:09.123 (São Paulo)"),
        ("short_moment", NOW, "27 nov, 17:14", "Nov 27, 17:14"),
        ("clock", NOW, "17:14:09,123", "17:14:09.123"),
        ("hour", NOW, "17:14", "17:14"),
        ("full_hour", NOW, "17 h", "17:00"),
    ],
)
def test_each_language_has_its_conventions(method: str, value: object, portuguese: str, english: str):
    assert (getattr(PT, method)(value), getattr(EN, method)(value)) == (portuguese, english)


def test_halves_go_to_the_even_neighbour():
    assert [PT.number(Decimal(half), 1) for half in ("0.05", "0.15", "0.25", "-0.35")] == ["0,0", "0,2", "0,2", "−0,4"]


def test_spreadsheets_get_numbers_they_can_read():
    assert (PT.plain(Decimal("-1234567.5"), 2), EN.plain(Decimal("1234567.5"), 2)) == ("-1234567,50", "1234567.50")


@given(LANGUAGES, AMOUNTS, st.integers(0, 6))
def test_a_decimal_is_written_exactly_but_for_the_digits_left_out(says: Formatter, amount: Decimal, places: int):
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    assert read(says.number(amount, places), says.language) == rounded


@given(LANGUAGES, AMOUNTS)
def test_money_has_its_sign_first_and_none_for_zero(says: Formatter, amount: Decimal):
    written = says.reais(amount)
    digits = written.removeprefix("−").removeprefix("R$").strip()
    assert read(digits, says.language) == abs(read(says.number(amount, 2), says.language))
    assert written.startswith("−") == (read(says.number(amount, 2), says.language) < 0)


@given(LANGUAGES, st.one_of(AMOUNTS, st.integers(-(10**12), 10**12), st.floats(-1e12, 1e12)))
def test_zero_has_no_sign_and_thousands_are_three_digits(says: Formatter, value: Number):
    written = says.number(value)
    assert written != "−0"
    first, *groups = written.removeprefix("−").split("." if says.language == "pt" else ",")
    assert 1 <= len(first) <= 3
    assert all(len(group) == 3 for group in groups)


@given(LANGUAGES, st.integers(-(10**12), 10**12))
def test_a_compact_number_is_short_and_near(says: Formatter, value: int):
    written = says.compact(value).removeprefix("−")
    digits = written.split(" ")[0].rstrip("KMBT")
    unit = written.removeprefix(digits).strip()
    size = {"": 1, "mil": 10**3, "K": 10**3, "mi": 10**6, "M": 10**6, "bi": 10**9, "B": 10**9}[unit]
    assert len(digits) <= 5
    assert abs(read(digits, says.language) * size - abs(value)) <= Decimal("0.5") * size


@given(LANGUAGES, st.floats(0, 1e8))
def test_durations_are_two_units_at_most(says: Formatter, seconds: float):
    assert len(says.duration(seconds).split(" ")) in {2, 4}
    assert len(says.rough(seconds).split(" ")) in {2, 4}
