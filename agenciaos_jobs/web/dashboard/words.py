"""Words that several pages share."""

from collections.abc import Mapping

from agenciaos_jobs.core.run import Status
from agenciaos_jobs.web.language import Text

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
    "schedule": {"pt": "Agenda", "en": "Schedule"},
    "replay": {"pt": "Repetição", "en": "Replay"},
    "dashboard": {"pt": "Painel", "en": "Dashboard"},
    "guru": {"pt": "Guru", "en": "Guru"},
    "batch": {"pt": "Lote", "en": "Batch"},
}
"""Where a run comes from; one that is not here is shown as it is stored."""
