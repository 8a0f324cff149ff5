"""Pagination cursors for lists by time: the timestamp and id of the last entry."""

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
