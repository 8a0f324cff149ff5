"""When slots are, through changes of the clock too."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
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
    st.sampled_from(CHANGES),
    st.sets(st.integers(0, 59), min_size=1, max_size=3),
    st.sets(st.integers(0, 23), min_size=1, max_size=5),
    st.integers(0, 600),
)
def test_every_time_on_the_wall_is_one_slot(
    change: tuple[str, datetime], minutes: set[int], hours: set[int], before: int
):
    zone, moment = change
    begin, end = moment - before * MINUTE, moment + timedelta(hours=30)
    cron = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    slots = [slot for slot in islice(upcoming(Schedule(cron, zone), begin - MINUTE), 100) if slot < end]
    assert slots == by_the_wall(ZoneInfo(zone), minutes, hours, begin, end)


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
