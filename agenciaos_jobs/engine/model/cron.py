"""Cron: the slots of five-field expressions in an IANA time zone."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterError, croniter

from agenciaos_jobs.engine.model.job import Schedule

_FIELDS = re.compile(r"[0-9A-Z*/,#?-]+( [0-9A-Z*/,#?-]+){4}")
_MONTHS = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WORDS = _MONTHS | {*_DAYS, *(f"{day}L" for day in _DAYS), "L"}
_LAST = re.compile(r"\b([0-7])L\b")

# Files of the zone database that are not time zones.
_NO_ZONES = {"Factory", "localtime", "posixrules", "leapseconds", "tzdata.zi"}


@cache
def timezones() -> list[str]:
    """The IANA zones, UTC first."""
    return ["UTC", *sorted(available_timezones() - _NO_ZONES - {"UTC"})]


def check_cron(text: str) -> str:
    """Validates an expression and normalizes its whitespace. Raises :class:`ValueError` with the reason.

    Five fields: minute, hour, day of the month, month, day of the week (0 or 7 is Sunday). ``L`` is the month's last
    day, ``5L`` its last Friday, ``1#2`` its second Monday.
    """
    cron = " ".join(text.split())
    if not _FIELDS.fullmatch(cron.upper()):
        raise ValueError("expected five fields: minute, hour, day of the month, month, day of the week")
    unknown = {word for word in re.findall("[A-Z]+", cron.upper()) if word not in _WORDS}
    if unknown:
        raise ValueError(f"does not know {min(unknown)}")
    try:
        next_slot(Schedule(cron, "UTC"), datetime(2026, 1, 1, tzinfo=UTC))
    except CroniterError as error:
        raise ValueError(f"is no cron expression that has a time: {error}") from None
    return cron


def check_timezone(name: str) -> str:
    """Validates a zone's name. Raises :class:`ValueError` for an unknown zone."""
    if name not in _zones():
        raise ValueError("expected an IANA time zone such as America/Sao_Paulo")
    return name


def last_slot(schedule: Schedule, moment: datetime) -> datetime:
    """The newest slot at or before a moment, in UTC."""
    return next(_slots(schedule, moment + timedelta(milliseconds=1), croniter.get_prev))


def next_slot(schedule: Schedule, moment: datetime) -> datetime:
    """The first slot after a moment, in UTC."""
    return next(upcoming(schedule, moment))


def upcoming(schedule: Schedule, moment: datetime) -> Iterator[datetime]:
    """The slots after a moment, in UTC."""
    return _slots(schedule, moment, croniter.get_next)


def first_upcoming(schedule: Schedule, moment: datetime, count: int) -> list[datetime]:
    """The next ``count`` slots after a moment; fewer if there are fewer."""
    return list(islice(upcoming(schedule, moment), count))


def _slots(
    schedule: Schedule, moment: datetime, step: Callable[[croniter, type[datetime]], datetime]
) -> Iterator[datetime]:
    """Each slot once. A slot that a clock change skips comes at the change; one that it repeats comes the first time.

    Hourly expressions follow elapsed hours instead, so they run in both occurrences of a repeated hour.
    """
    zone, expression = ZoneInfo(schedule.timezone), _as_croniter_reads_it(schedule.cron)
    is_hourly = croniter.expand(expression)[0][1] == ["*"]
    found = croniter(expression, moment.astimezone(zone))
    while True:
        slot = step(found, datetime)
        if is_hourly or not _is_repeated(slot, zone):
            yield slot.astimezone(UTC)


def _is_repeated(slot: datetime, zone: ZoneInfo) -> bool:
    """Whether the slot is the second occurrence of its local time."""
    return slot.replace(tzinfo=zone, fold=0).utcoffset() != slot.utcoffset()


@lru_cache(maxsize=1024)
def _as_croniter_reads_it(cron: str) -> str:
    """The expression in croniter's syntax: ``L5`` for ``5L`` or ``FRIL``."""
    *fields, weekday = cron.upper().split()
    for number, name in enumerate(_DAYS):
        weekday = weekday.replace(name, str(number))
    return " ".join([*fields, _LAST.sub(r"L\1", weekday)])


@cache
def _zones() -> frozenset[str]:
    return frozenset(timezones())
