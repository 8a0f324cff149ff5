"""Kinds of alerts: what operators may be notified about, in words."""

from collections.abc import Callable, Mapping

from agenciaos_jobs.engine.model.job import Json
from agenciaos_jobs.foundation.i18n.text import Text

_KINDS: dict[str, "AlertKind"] = {}

KINDS: Mapping[str, "AlertKind"] = _KINDS
"""Every kind by its name. A wing's kinds are known once its ``alerts.py`` has been imported."""


class AlertKind(str):
    """A kind of alert: its name, by which it is stored and configured, and its words.

    ``label`` names it in lists. ``heading``, ``what`` (what happened) and ``advice`` (what to do) hold the alert's
    details in braces. ``page`` is where the dashboard shows more, ``page_of_one`` where it does while there is one
    subject.
    ``is_condition``: it is true until it is over, and resolves by itself; other kinds are one-off events.
    ``values(key, details)`` returns more fields for the texts.

    Declaring one is all that a new kind takes; a section of its name in ``rules.toml`` may change when it notifies.
    """

    label: Text
    heading: Text
    what: Text
    advice: Text
    page: str
    page_of_one: str | None
    is_condition: bool
    values: Callable[[str, Json], Json]

    def __new__(
        cls,
        name: str,
        *,
        label: Text,
        heading: Text,
        what: Text,
        advice: Text,
        page: str,
        page_of_one: str | None = None,
        is_condition: bool = False,
        values: Callable[[str, Json], Json] = lambda _key, _details: {},
    ) -> "AlertKind":
        kind = super().__new__(cls, name)
        kind.label, kind.heading, kind.what, kind.advice = label, heading, what, advice
        kind.page, kind.page_of_one, kind.is_condition, kind.values = page, page_of_one, is_condition, values
        _KINDS[name] = kind
        return kind

    def __reduce__(self) -> tuple[Callable[[str], "AlertKind"], tuple[str]]:
        """A copy is the kind itself."""
        return kind_named, (str(self),)


def condition_kinds() -> list[str]:
    """The names of the kinds that are conditions."""
    return sorted(name for name, kind in _KINDS.items() if kind.is_condition)


def kind_named(name: str) -> AlertKind:
    """The kind of this name. A kind that is no longer declared is shown by its name alone."""
    known = _KINDS.get(name)
    if known is not None:
        return known
    text = Text(name, name)
    unknown = AlertKind(name, label=text, heading=text, what=Text("", ""), advice=Text("", ""), page="/alerts")
    del _KINDS[name]
    return unknown
