"""Roles of users: each may do what the ones before it may."""

from enum import StrEnum

from agenciaos_jobs.foundation.i18n.text import Text


class Role(StrEnum):
    """A viewer reads, an operator acts on runs, queues, schedules and payments, an admin also sees people."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, needed: "Role") -> bool:
        """Whether this role may do what takes the role ``needed``."""
        order = list(Role)
        return order.index(self) >= order.index(needed)

    @property
    def label(self) -> Text:
        return _LABELS[self]


_LABELS = {
    Role.VIEWER: Text("Leitura", "Viewer"),
    Role.OPERATOR: Text("Operação", "Operator"),
    Role.ADMIN: Text("Administração", "Admin"),
}
