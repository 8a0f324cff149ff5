"""Alerts in words: what happened, since when, how often, where to look and what to try."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from agenciaos_jobs.alerts.affected import NOBODY, Affected
from agenciaos_jobs.alerts.alert import SUBJECTS_KEPT, Alert, Notification
from agenciaos_jobs.alerts.message import AlertMessage
from agenciaos_jobs.foundation.i18n.formatting import Formatter
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.foundation.i18n.text import Text

_MAX_TITLE = 140
_MAX_TEXT = 600
_NAMED = 5
"""Names in a sentence; the rest is counted."""


_PREFIX: Mapping[Notification, Text] = {
    Notification.OPENED: Text("", ""),
    Notification.REPEATED: Text("Mais {pending}×: ", "{pending}× more: "),
    Notification.ONGOING: Text("Continua: ", "Still: "),
    Notification.RESOLVED: Text("Resolvido: ", "Resolved: "),
}


def message(
    alert: Alert, notification: Notification, now: datetime, public_url: str | None, about: Affected = NOBODY
) -> AlertMessage:
    """The alert as a message for one kind of notification."""
    kind, prefix = alert.kind, _PREFIX[notification]
    fmt = Formatter("pt", now)
    values = _values(alert, fmt, about)
    before = "Antes: " if notification is Notification.RESOLVED else ""
    return AlertMessage(
        kind=kind,
        key=alert.key,
        telling=notification,
        title=_cut(_fill(prefix.pt + kind.heading.pt, values), _MAX_TITLE),
        what=_what(before + kind.what.pt, values, about, fmt),
        times=_times(alert, notification, now),
        subjects=alert.subjects,
        advice="" if notification is Notification.RESOLVED else _fill(kind.advice.pt, values),
        english=_cut(_fill(prefix.en + kind.heading.en, values), _MAX_TITLE),
        since=alert.since.isoformat(),
        at=now.isoformat(),
        occurrences=alert.pending,
        total=alert.raised,
        link=public_url + page_of(alert) if public_url else None,
    )


def explanation(alert: Alert, language: Language, about: Affected = NOBODY) -> tuple[str, str, str]:
    """The alert's title, what it is about and what to try, in one language."""
    fmt = Formatter(language, alert.raised_at)
    kind, values = alert.kind, _values(alert, fmt, about)
    return (
        _cut(_fill(kind.heading.in_language(language), values), _MAX_TITLE),
        _what(kind.what.in_language(language), values, about, fmt),
        _fill(kind.advice.in_language(language), values),
    )


def page_of(alert: Alert) -> str:
    """The dashboard's page that shows more of what the alert is about."""
    quoted = _Values(
        {name: quote(str(value), safe="") for name, value in _values(alert, Formatter("pt", alert.raised_at)).items()}
    )
    page = alert.kind.page_of_one if len(alert.subjects) == 1 else None
    return _fill(page or alert.kind.page, quoted)


def _what(template: str, values: "_Values", about: Affected, fmt: Formatter) -> str:
    """What happened, then the different errors, and the agencies that it does not name yet; these are never cut."""
    text = _fill(template, values)
    after = ""
    if len(about.errors) > 1:
        after += " " + fmt.text(f"Erros diferentes: {len(about.errors)}", f"Different errors: {len(about.errors)}")
        after += f" ({_listed(about.errors, fmt)})."
    if unnamed := [name for name in about.agencies if name not in text]:
        after += " " + fmt.text("Agências: ", "Agencies: ") + f"{_listed(unnamed, fmt)}."
    return _cut(text, _MAX_TEXT - len(after)) + after


def _listed(names: Sequence[str], fmt: Formatter) -> str:
    """The first names, each cut where it is long, and how many more there are."""
    shown, others = ", ".join(_cut(name, 60) for name in names[:_NAMED]), len(names) - _NAMED
    return shown + (fmt.text(f" e mais {others}", f" and {others} more") if others > 0 else "")


class _Values(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "—"


def _values(alert: Alert, fmt: Formatter, about: Affected = NOBODY) -> _Values:
    details = {name: _formatted(name, value, fmt) for name, value in alert.details.items() if value is not None}
    newest = alert.subjects[-1] if alert.subjects else "—"
    others = max(0, len(alert.subjects) - 1)
    known: dict[str, Any] = {
        "key": alert.key or "—",
        "subject": about.names.get(newest, newest),
        "subjects": ", ".join(alert.subjects) or "—",
        "pending": alert.pending,
        "raised": alert.raised,
        "and_others": _others(alert, others, fmt) if others else "",
        "latest": fmt.text("O último: ", "Latest: ") if alert.raised > 1 else "",
        "name": details.get("code") or details.get("type") or "—",
        "agency": details.get("agency") or about.names.get(newest, newest),
        **{
            name: fmt.of(value) if isinstance(value, Text) else value
            for name, value in alert.kind.values(alert.key, alert.details).items()
        },
    }
    if isinstance(seconds := alert.details.get("seconds"), int | float):
        known["age"] = fmt.rough(seconds)
    return _Values({**details, **known})


def _others(alert: Alert, others: int, fmt: Formatter) -> str:
    """How many subjects there are besides the newest; no more than the newest ones are known."""
    is_full = len(alert.subjects) >= SUBJECTS_KEPT and alert.raised > SUBJECTS_KEPT
    if is_full:
        return fmt.text(f" e pelo menos mais {others}", f" and at least {others} more")
    return fmt.text(f" e mais {others}", f" and {others} more")


def _formatted(name: str, value: Any, fmt: Formatter) -> Any:
    if not isinstance(value, str):
        return value
    if name in {"slot", "seen"}:
        return fmt.moment(datetime.fromisoformat(value))
    if name in {"spent", "budget"}:
        return fmt.number(Decimal(value), 2)
    return "/".join(reversed(value.split("-"))) if name == "month" else value


def _fill(template: str, values: _Values) -> str:
    return template.format_map(values)


def _times(alert: Alert, notification: Notification, now: datetime) -> str:
    fmt = Formatter("pt", now)
    began = fmt.moment(alert.since)
    if notification is Notification.RESOLVED or (alert.kind.is_condition and alert.ended_at):
        return f"de {began} a {fmt.moment(alert.ended_at or now)}"
    if alert.kind.is_condition:
        lasted = (now - alert.since).total_seconds()
        return f"desde {began} ({fmt.rough(lasted)})" if lasted >= 60 else f"desde {began}"
    if notification is Notification.REPEATED:
        return f"mais {alert.pending} desde o último aviso; {alert.raised} ao todo desde {began}"
    return f"em {began}" if alert.raised == 1 else f"{alert.raised} vezes desde {began}"


def _cut(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def test_message(now: datetime, public_url: str | None) -> AlertMessage:
    """What ``agenciaos-jobs alerts test`` sends."""
    return AlertMessage(
        kind="test",
        key="",
        telling=Notification.OPENED,
        title="Teste dos alertas",
        what="Os alertas do AgênciaOS Jobs chegam por aqui.",
        times=f"em {Formatter('pt', now).moment(now)}",
        subjects=(),
        advice="Nada a fazer.",
        english="A test of the alerts: nothing to do.",
        since=now.isoformat(),
        at=now.isoformat(),
        occurrences=1,
        total=1,
        link=public_url,
    )
