"""Cron: the slots of five-field expressions in an IANA time zone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterError, croniter

from agenciaos_jobs.engine.model.job import Schedule
from agenciaos_jobs.engine.model.local_time import INSTANT, changes, first_shown, latest_shown, shown

_FIELDS = re.compile(r"[0-9A-Z*/,#?-]+( [0-9A-Z*/,#?-]+){4}")
_MONTHS = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WORDS = _MONTHS | {*_DAYS, *(f"{day}L" for day in _DAYS), "L"}
_MINUTE = timedelta(minutes=1)
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
    """The newest slot at or before a moment, in UTC. See :func:`next_slot`."""
    zone, expression = ZoneInfo(schedule.timezone), _as_croniter_reads_it(schedule.cron)
    if not _is_hourly(expression):
        return first_shown(_at_or_before(expression, latest_shown(moment, zone)), zone)
    while True:
        local = shown(moment, zone)
        slot = moment - (local - _at_or_before(expression, local))
        if not (passed := changes(zone, slot, moment)):
            return slot
        moment = passed[-1] - INSTANT


def next_slot(schedule: Schedule, moment: datetime) -> datetime:
    """The first slot after a moment, in UTC.

    A local time that a clock change skips has its slot at the change, in common with all that the change skips. A local
    time that a change repeats has its slot at the first occurrence. An expression for every hour follows the clock
    instead: a skipped time has no slot and a repeated one has two, so that hours stay an hour apart where the clock
    changes by whole hours. :func:`last_slot` follows the same rules, so no slot lies between the two.
    """
    zone, expression = ZoneInfo(schedule.timezone), _as_croniter_reads_it(schedule.cron)
    if not _is_hourly(expression):
        return first_shown(_after(expression, latest_shown(moment, zone)), zone)
    local = after = shown(moment, zone)
    while True:
        slot = moment + (_after(expression, after) - local)
        if not (ahead := changes(zone, moment, slot)):
            return slot
        moment = ahead[0]
        local = shown(moment, zone)
        after = local - INSTANT


def upcoming(schedule: Schedule, moment: datetime) -> Iterator[datetime]:
    """The slots after a moment, in UTC."""
    while True:
        moment = next_slot(schedule, moment)
        yield moment


def first_upcoming(schedule: Schedule, moment: datetime, count: int) -> list[datetime]:
    """The next ``count`` slots after a moment; fewer if there are fewer."""
    return list(islice(upcoming(schedule, moment), count))


def _is_hourly(expression: str) -> bool:
    return croniter.expand(expression)[0][1] == ["*"]


def _after(expression: str, local: datetime) -> datetime:
    """The first local time after ``local`` that the expression names."""
    found: datetime = croniter(expression, local.replace(second=0, microsecond=0)).get_next(datetime)
    return found


def _at_or_before(expression: str, local: datetime) -> datetime:
    """The newest local time at or before ``local`` that the expression names."""
    found: datetime = croniter(expression, local.replace(second=0, microsecond=0) + _MINUTE).get_prev(datetime)
    return found


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
