"""The menu of the dashboard: pages that have a route and are open to the reader's role."""

from dataclasses import dataclass

from aiohttp import web

from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.people.role import Role


@dataclass(frozen=True)
class Entry:
    """A menu item; ``icon`` is a macro of ``icons.html``, ``role`` the one that its page takes."""

    path: str
    name: Text
    icon: str
    role: Role = Role.VIEWER


MENU = (
    Entry("/", Text("Visão geral", "Overview"), "gauge"),
    Entry("/runs", Text("Execuções", "Runs"), "runs"),
    Entry("/errors", Text("Erros", "Errors"), "alert"),
    Entry("/agencies", Text("Agências", "Agencies"), "building"),
    Entry("/costs", Text("Custos", "Costs"), "coins"),
    Entry("/reports", Text("Relatórios", "Reports"), "chart"),
    Entry("/payments", Text("Pagamentos", "Payments"), "card"),
    Entry("/queues", Text("Filas e workers", "Queues and workers"), "queue"),
    Entry("/schedules", Text("Agendamentos", "Schedules"), "clock"),
    Entry("/workbench", Text("Conteúdo de IA", "AI content"), "spark", Role.OPERATOR),
    Entry("/alerts", Text("Alertas", "Alerts"), "bell"),
    Entry("/test", Text("Testar", "Test"), "flask", Role.OPERATOR),
    Entry("/people", Text("Pessoas", "People"), "people", Role.ADMIN),
    Entry("/audit", Text("Auditoria", "Audit"), "list", Role.ADMIN),
    Entry("/docs", Text("Referência da API", "API reference"), "code"),
)


def menu(app: web.Application, role: Role) -> list[Entry]:
    """The entries with a route that ``role`` may open."""
    paths = {route.canonical for route in app.router.resources()}
    return [entry for entry in MENU if entry.path in paths and role.includes(entry.role)]
