"""Where a page of a list ended, as a link says it: when the last one happened, and its id."""

from datetime import datetime


def written(moment: datetime, name: str) -> str:
    return f"{moment.isoformat()} {name}"


def read(text: str) -> tuple[datetime, str] | None:
    """Reads what :func:`written` wrote; anything else is the beginning."""
    moment, _, name = text.replace("\0", "").partition(" ")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (at, name) if at.tzinfo else None
