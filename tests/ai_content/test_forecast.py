"""The forecast of a month's AI spend."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agenciaos_jobs.ai_content.forecast import BASIS, basis, days_left, forecast
from agenciaos_jobs.foundation.month import Month

MONEY = st.decimals(min_value=0, max_value=10**6, places=6)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(daily=MONEY, full=st.integers(1, 27))
def test_a_month_of_equal_days_costs_their_sum(daily: Decimal, full: int):
    days = min(BASIS, full)
    assert forecast(daily * full, daily * days, days, Decimal(30 - full)) == daily * 30


@given(spent=MONEY, recent=MONEY, days=st.integers(1, BASIS), left=st.decimals(0, 31, places=3))
def test_a_forecast_is_never_less_than_what_was_spent_and_grows_with_the_last_days(
    spent: Decimal, recent: Decimal, days: int, left: Decimal
):
    assert forecast(spent, recent, days, Decimal()) == spent
    expected = forecast(spent, recent, days, left)
    assert expected >= spent
    assert forecast(spent, recent + 1, days, left) >= expected


@given(spent=MONEY)
def test_without_a_full_day_there_is_no_forecast(spent: Decimal):
    assert forecast(spent, Decimal(), 0, Decimal(3)) is None
    assert basis(None, date(2026, 11, 28)) == 0
    assert basis(date(2026, 11, 28), date(2026, 11, 28)) == 0


@given(began=st.integers(0, 100))
def test_it_is_made_of_the_last_seven_days_or_of_those_since_the_first(began: int):
    today = date(2026, 11, 28)
    assert basis(today - timedelta(days=began), today) == min(began, BASIS)


@given(now=MOMENTS)
def test_the_days_that_are_left_end_with_the_month_of_sao_paulo(now: datetime):
    left = days_left(now)
    assert 0 < left <= Decimal("31.1")
    end = Month.of(now).next.starts_at
    assert abs(now + timedelta(days=float(left)) - end) < timedelta(seconds=1)
    assert days_left(datetime(2026, 11, 29, 15, tzinfo=UTC)) == Decimal("1.5")
