"""Words that several pages share."""

from collections.abc import Mapping

from agenciaos_jobs.engine.model.run import Status
from agenciaos_jobs.foundation.language import Text
from agenciaos_jobs.payments.policy.application_decision import Action

STATUSES: Mapping[Status, Text] = {
    Status.DELAYED: {"pt": "Adiada", "en": "Delayed"},
    Status.QUEUED: {"pt": "Na fila", "en": "Queued"},
    Status.EXECUTING: {"pt": "Executando", "en": "Executing"},
    Status.COMPLETED: {"pt": "Concluída", "en": "Completed"},
    Status.CANCELED: {"pt": "Cancelada", "en": "Canceled"},
    Status.FAILED: {"pt": "Falhou", "en": "Failed"},
    Status.CRASHED: {"pt": "Worker caiu", "en": "Crashed"},
    Status.TIMED_OUT: {"pt": "Tempo esgotado", "en": "Timed out"},
    Status.EXPIRED: {"pt": "Expirou", "en": "Expired"},
    Status.SYSTEM_FAILURE: {"pt": "Falha do sistema", "en": "System failure"},
}

TONES: Mapping[Status, str] = {
    Status.DELAYED: "wait",
    Status.QUEUED: "wait",
    Status.EXECUTING: "run",
    Status.COMPLETED: "good",
    Status.CANCELED: "off",
    Status.FAILED: "bad",
    Status.CRASHED: "bad",
    Status.TIMED_OUT: "bad",
    Status.EXPIRED: "bad",
    Status.SYSTEM_FAILURE: "bad",
}
"""The colour a status is shown in: a class of the style sheet."""

SOURCES: Mapping[str, Text] = {
    "api": {"pt": "API", "en": "API"},
    "sdk": {"pt": "SDK", "en": "SDK"},
    "cli": {"pt": "Linha de comando", "en": "Command line"},
    "schedule": {"pt": "Agendamento", "en": "Schedule"},
    "replay": {"pt": "Repetição", "en": "Replay"},
    "dashboard": {"pt": "Painel", "en": "Dashboard"},
    "guru": {"pt": "Guru", "en": "Guru"},
    "batch": {"pt": "Lote", "en": "Batch"},
    "assigned": {"pt": "Atribuição", "en": "Assignment"},
}
"""Where a run comes from; one that is not here is shown as it is stored."""

ACTIONS: Mapping[Action, tuple[Text, str]] = {
    Action.ACTIVATED: ({"pt": "Ativou", "en": "Activated"}, "good"),
    Action.RENEWED: ({"pt": "Renovou", "en": "Renewed"}, "good"),
    Action.DEACTIVATED: ({"pt": "Desativou", "en": "Deactivated"}, "bad"),
    Action.UNCHANGED: ({"pt": "Sem mudança", "en": "No change"}, "off"),
    Action.DUPLICATE: ({"pt": "Repetido", "en": "Duplicate"}, "off"),
    Action.OUTDATED: ({"pt": "Desatualizado", "en": "Outdated"}, "off"),
    Action.REJECTED: ({"pt": "Recusado", "en": "Rejected"}, "bad"),
    Action.UNMATCHED: ({"pt": "Sem agência", "en": "Unmatched"}, "wait"),
    Action.UNVERIFIED: ({"pt": "Não confirmado", "en": "Unverified"}, "wait"),
    Action.IGNORED: ({"pt": "Guardado", "en": "Kept"}, "off"),
    Action.ASSIGNED: ({"pt": "Atribuído", "en": "Assigned"}, "run"),
}
"""What a payment did, and the colour it is shown in."""
