"""When slots are, through changes of the clock too."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agenciaos_jobs.engine.model.cron import (
    check_cron,
    check_timezone,
    first_upcoming,
    last_slot,
    next_slot,
    timezones,
    upcoming,
)
from agenciaos_jobs.engine.model.cron_text import describe
from agenciaos_jobs.engine.model.job import Schedule
from agenciaos_jobs.engine.model.local_time import changes

MINUTE = timedelta(minutes=1)

# Zone, and a moment shortly before its clock changes: an hour, half an hour, and at midnight.
CHANGES = [
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Europe/Lisbon", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Lisbon", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 4, 5, 3, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2019, 2, 17, 2, tzinfo=UTC)),
]

# Changes that are not by an hour: 15, 30, 40, 45 and 120 minutes, three and seven hours, a day, and seconds.
UNUSUAL = [
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(1985, 12, 31, 18, 30, tzinfo=UTC)),
    ("America/Caracas", datetime(2007, 12, 9, 7, tzinfo=UTC)),
    ("America/Guyana", datetime(1975, 8, 1, 3, 45, tzinfo=UTC)),
    ("America/St_Johns", datetime(1988, 10, 30, 1, 31, tzinfo=UTC)),
    ("Antarctica/Casey", datetime(2010, 3, 4, 15, tzinfo=UTC)),
    ("Antarctica/Vostok", datetime(1994, 1, 31, 17, tzinfo=UTC)),
    ("Antarctica/Vostok", datetime(1994, 11, 1, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(1979, 10, 1, 10, 40, tzinfo=UTC)),
    ("Africa/Monrovia", datetime(1972, 1, 7, 0, 44, 30, tzinfo=UTC)),
]


@cache
def changes_of(zone: str) -> list[datetime]:
    return changes(ZoneInfo(zone), datetime(1970, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC))


def by_the_wall(zone: ZoneInfo, minutes: set[int], hours: set[int], begin: datetime, end: datetime) -> list[datetime]:
    """The same by looking at the wall each minute: a time counts once, and one that is left out, at the change."""
    slots: dict[datetime, datetime] = {}
    shown, moment = (begin - MINUTE).astimezone(zone).replace(tzinfo=None), begin
    while moment < end:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        while shown < wall:
            shown += MINUTE
            if shown.minute in minutes and shown.hour in hours:
                slots.setdefault(shown, moment)
        shown, moment = max(shown, wall), moment + MINUTE
    return sorted(set(slots.values()))


@given(
    st.sampled_from(CHANGES + UNUSUAL[:-1]),
    st.sets(st.integers(0, 59), min_size=1, max_size=3),
    st.sets(st.integers(0, 23), min_size=1, max_size=5),
    st.integers(0, 600),
)
@pytest.mark.slow
def test_every_time_on_the_wall_is_one_slot(
    change: tuple[str, datetime], minutes: set[int], hours: set[int], before: int
):
    zone, moment = change
    begin, end = moment - before * MINUTE, moment + timedelta(hours=30)
    cron = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    slots = [slot for slot in islice(upcoming(Schedule(cron, zone), begin - MINUTE), 100) if slot < end]
    assert slots == by_the_wall(ZoneInfo(zone), minutes, hours, begin, end)


def test_half_an_hour_of_summer_time_skips_no_slot():
    """Lord Howe Island moves its clock by half an hour: 01:40 comes twice, thirty minutes apart."""
    schedule, second = Schedule("*/20 * * * *", "Australia/Lord_Howe"), datetime(2026, 4, 4, 15, 10, tzinfo=UTC)
    assert last_slot(schedule, second + MINUTE) == second
    assert next_slot(schedule, second - timedelta(minutes=29)) == second
    assert next_slot(schedule, second) == second + timedelta(minutes=20)


@given(st.sampled_from(CHANGES), st.sampled_from(["30 * * * *", "*/20 * * * *", "0 */1 * * *", "* * * * *"]))
def test_what_runs_every_hour_goes_by_the_hours_that_pass(change: tuple[str, datetime], cron: str):
    zone, moment = change
    slots = first_upcoming(Schedule(cron, zone), moment - timedelta(hours=5), 60)
    steps = {later - earlier for earlier, later in pairwise(slots)}
    assert len(steps) == 1 or zone == "Australia/Lord_Howe"  # half an hour moves the minutes themselves


@given(
    st.sampled_from(
        ["0 6 1 * *", "30 1 * * *", "*/7 2,3 * * *", "0 0 L * *", "0 9 * * 5L", "15 0 * * 1#2", "5 4 29 2 *"]
    ),
    st.sampled_from(["UTC", *(zone for zone, _ in CHANGES)]),
    st.datetimes(datetime(2018, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)),
)
def test_the_last_and_the_next_slot_have_nothing_between_them(cron: str, zone: str, moment: datetime):
    schedule = Schedule(cron, zone)
    last, following = last_slot(schedule, moment), next_slot(schedule, moment)
    assert last <= moment < following
    assert next_slot(schedule, last) == following
    assert last_slot(schedule, following - timedelta(milliseconds=1)) == last
    assert last_slot(schedule, following) == following


EXPRESSIONS = st.sampled_from(
    ["0 * * * *", "30 * * * *", "*/20 * * * *", "7,52 * * * *", "0 * 1,31 * *", "0 0 * * *", "30 1 * * *", "15 2 * * *",
     "*/15 1,2,3 * * *", "*/40 0-23 * * *", "59 23 * * *", "0 0 1 * *", "30 12 L * *"]
)  # fmt: skip


def assert_nothing_between(schedule: Schedule, moment: datetime) -> None:
    last, following = last_slot(schedule, moment), next_slot(schedule, moment)
    assert last <= moment < following
    for between in (last, last + timedelta(milliseconds=1), following - timedelta(milliseconds=1)):
        assert (last_slot(schedule, between), next_slot(schedule, between)) == (last, following)


@given(EXPRESSIONS, st.sampled_from(UNUSUAL), st.integers(-3000, 3000))
def test_nothing_lies_between_two_slots_where_a_clock_changes_unusually(
    cron: str, change: tuple[str, datetime], minutes: int
):
    zone, moment = change
    assert_nothing_between(Schedule(cron, zone), moment + minutes * MINUTE)


@settings(deadline=None)  # reading a zone's changes takes a while, once
@given(EXPRESSIONS, st.sampled_from(timezones()), st.data(), st.integers(-1600, 1600))
@pytest.mark.slow
def test_nothing_lies_between_two_slots_at_any_change_of_any_zone(
    cron: str, zone: str, data: st.DataObject, minutes: int
):
    assume(changes_of(zone))
    change = data.draw(st.sampled_from(changes_of(zone)))
    assert_nothing_between(Schedule(cron, zone), change + minutes * MINUTE)


@pytest.mark.slow
@given(
    st.sampled_from(UNUSUAL[:-1] + CHANGES), st.sets(st.integers(0, 59), min_size=1, max_size=4), st.integers(0, 300)
)
def test_what_runs_every_hour_has_a_slot_whenever_the_clock_shows_it(
    change: tuple[str, datetime], minutes: set[int], before: int
):
    zone, moment = change
    begin, end = moment - before * MINUTE, moment + timedelta(hours=9)
    schedule = Schedule(f"{','.join(map(str, minutes))} * * * *", zone)
    every_minute = (begin + number * MINUTE for number in range((end - begin) // MINUTE))
    expected = [moment for moment in every_minute if moment.astimezone(ZoneInfo(zone)).minute in minutes]
    assert [slot for slot in first_upcoming(schedule, begin - MINUTE, 80) if slot < end] == expected[:80]
    slots, newest = [], end - MINUTE
    while newest >= begin and (newest := last_slot(schedule, newest)) >= begin:
        slots.append(newest)
        newest -= MINUTE
    assert slots[::-1] == expected


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("0 0 L * *", "2026-11-30T03:00"),
        ("0 9 * * 5L", "2026-11-27T12:00"),
        ("0 9 * * fril", "2026-11-27T12:00"),
        ("0 9 * * 7L", "2026-11-29T12:00"),
        ("0 9 * * 1#2", "2026-12-14T12:00"),
        ("0  8 * jan Mon-Fri", "2027-01-01T11:00"),
        ("0 6 1 * *", "2026-12-01T09:00"),
        ("*/5 * * * *", "2026-11-24T12:05"),
    ],
)
def test_expressions_of_five_fields_are_read(cron: str, first: str):
    schedule = Schedule(check_cron(cron), "America/Sao_Paulo")
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert next_slot(schedule, noon) == datetime.fromisoformat(first).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "cron",
    ["", "* * * *", "* * * * * *", "@daily", "60 * * * *", "* 24 * * *", "0 0 0 * *", "0 0 30 2 *", "H * * * *",
     "R * * * *", "*/0 * * * *", "0 0 * * 8", "0 0 15W * *", "0 0 L-3 * *", "a b c d e", "0 0 * * MON;", "² * * * *"],
)  # fmt: skip
def test_what_is_no_expression_is_refused(cron: str):
    with pytest.raises(ValueError, match=r"expected five fields|does not know|is no cron expression"):
        check_cron(cron)


@given(st.text("0123456789*/,-#?LMONJA ", max_size=20))
def test_whatever_passes_has_slots(text: str):
    try:
        cron = check_cron(text)
    except ValueError:
        return
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    assert next_slot(Schedule(cron, "America/Sao_Paulo"), moment) > moment
    assert describe(cron, "pt")


def test_zones_are_iana_s():
    assert timezones()[0] == check_timezone("UTC") == "UTC"
    assert check_timezone("America/Sao_Paulo") in timezones()
    for wrong in ("Brasilia", "america/sao_paulo", "../etc/passwd", "", "localtime"):
        with pytest.raises(ValueError, match="IANA"):
            check_timezone(wrong)


@pytest.mark.parametrize(
    ("cron", "portuguese", "english"),
    [
        ("0 6 1 * *", "Às 06:00, no dia 1 do mês", "At 06:00, on day 1 of the month"),
        ("0 0 L * *", "Às 00:00, no último dia do mês", "At 00:00, on the last day of the month"),
        ("0 9 * * 1-5", "Às 09:00, de segunda-feira a sexta-feira", "At 09:00, Monday through Friday"),
        ("*/5 * * * *", "A cada 5 minutos", "Every 5 minutes"),
    ],
)
def test_expressions_are_told_in_words(cron: str, portuguese: str, english: str):
    assert (describe(cron, "pt"), describe(cron, "en")) == (portuguese, english)
