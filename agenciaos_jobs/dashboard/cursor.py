"""Pagination cursors of lists: the timestamp and id of the last entry, or its number."""

from datetime import datetime

from agenciaos_jobs.http.moments import parse_moment


def written(moment: datetime, name: str) -> str:
    return f"{moment.isoformat()} {name}"


def read(text: str) -> tuple[datetime, str] | None:
    """The cursor that :func:`written` encoded; ``None``, the first page, for any other text."""
    moment, _, name = text.partition(" ")
    try:
        at = parse_moment(moment)
    except ValueError:
        return None
    return (at, name) if at.tzinfo else None


def read_number(text: str) -> int | None:
    """A row's number, within the range of the database; ``None`` for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
