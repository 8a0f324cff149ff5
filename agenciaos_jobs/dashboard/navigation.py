"""The menu of the dashboard; pages without a route are omitted."""

from dataclasses import dataclass

from aiohttp import web

from agenciaos_jobs.foundation.i18n.text import Text


@dataclass(frozen=True)
class Entry:
    """A menu item; ``icon`` is a macro of ``icons.html``."""

    path: str
    name: Text
    icon: str


MENU = (
    Entry("/", Text("Visão geral", "Overview"), "gauge"),
    Entry("/runs", Text("Execuções", "Runs"), "runs"),
    Entry("/errors", Text("Erros", "Errors"), "alert"),
    Entry("/agencies", Text("Agências", "Agencies"), "building"),
    Entry("/reports", Text("Relatórios", "Reports"), "chart"),
    Entry("/payments", Text("Pagamentos", "Payments"), "card"),
    Entry("/queues", Text("Filas e workers", "Queues and workers"), "queue"),
    Entry("/schedules", Text("Agendamentos", "Schedules"), "clock"),
    Entry("/workbench", Text("Conteúdo de IA", "AI content"), "spark"),
    Entry("/alerts", Text("Alertas", "Alerts"), "bell"),
    Entry("/test", Text("Testar", "Test"), "flask"),
    Entry("/docs", Text("Referência da API", "API reference"), "code"),
)


def menu(app: web.Application) -> list[Entry]:
    """The items whose pages have a route."""
    paths = {route.canonical for route in app.router.resources()}
    return [entry for entry in MENU if entry.path in paths]
