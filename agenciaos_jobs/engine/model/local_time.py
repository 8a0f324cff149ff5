"""Local times of a zone, through changes of its clock: which moments show them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

INSTANT = timedelta(microseconds=1)
"""The resolution of a moment."""

_STEP = 86_400
"""Seconds in which a clock changes once at most."""


def shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """The local time at a moment, without its zone."""
    return moment.astimezone(zone).replace(tzinfo=None)


def first_shown(local: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the clock shows a local time or a later one.

    For a time that a clock change repeats it is the first occurrence; for one that it skips, the change.
    """
    before, after = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return before if before <= after else changes(zone, after, before)[0]


def latest_shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """The latest local time that the clock has shown up to a moment: during repeated time, just before the change."""
    local = moment.astimezone(zone)
    if not local.fold:
        return local.replace(tzinfo=None)
    first_occurrence = local.replace(fold=0).astimezone(UTC)
    return shown(changes(zone, first_occurrence, moment)[-1] - INSTANT, zone)


def changes(zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """The changes of the zone's offset after ``begin`` and up to ``end``, in order."""
    first, last = int(begin.timestamp() // 1), int(end.timestamp() // 1)
    found, before = [], first
    for after in [*range(first + _STEP, last, _STEP), last]:
        if _offset(zone, before) != _offset(zone, after):
            found.append(datetime.fromtimestamp(_change(zone, before, after), UTC))
        before = after
    return found


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The second at which the offset changes; it differs between the two."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == _offset(zone, before):
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, seconds: int) -> timedelta | None:
    return datetime.fromtimestamp(seconds, zone).utcoffset()
