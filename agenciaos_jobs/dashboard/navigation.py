"""The dashboard's pages as its menu shows them; one that has no route yet is left out."""

from dataclasses import dataclass

from aiohttp import web

from agenciaos_jobs.foundation.language import Text


@dataclass(frozen=True)
class Entry:
    """A line of the menu; ``icon`` is a macro of ``icons.html``."""

    path: str
    name: Text
    icon: str


MENU = (
    Entry("/", {"pt": "Visão geral", "en": "Overview"}, "gauge"),
    Entry("/runs", {"pt": "Execuções", "en": "Runs"}, "runs"),
    Entry("/errors", {"pt": "Erros", "en": "Errors"}, "alert"),
    Entry("/agencies", {"pt": "Agências", "en": "Agencies"}, "building"),
    Entry("/reports", {"pt": "Relatórios", "en": "Reports"}, "chart"),
    Entry("/payments", {"pt": "Pagamentos", "en": "Payments"}, "card"),
    Entry("/schedules", {"pt": "Agendamentos", "en": "Schedules"}, "clock"),
    Entry("/alerts", {"pt": "Alertas", "en": "Alerts"}, "bell"),
    Entry("/test", {"pt": "Testar", "en": "Test"}, "flask"),
)


def menu(app: web.Application) -> list[Entry]:
    """The entries that lead somewhere."""
    paths = {route.canonical for route in app.router.resources()}
    return [entry for entry in MENU if entry.path in paths]
